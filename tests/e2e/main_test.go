// Package e2e drives the built binary the way its user does: real namespaces,
// overlay mounts, cgroups and nftables, a real registry, a real sshd and a real
// terminal. The whole suite runs in a mount and a network namespace of its own;
// only what needs the machine's uplink goes through the namespace it came from.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gantry/internal/sandbox"
)

// gantryBin is the binary under test.
var gantryBin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Geteuid() != 0 {
		if os.Getenv("GANTRY_CI") != "" {
			fmt.Fprintln(os.Stderr, "e2e: required in CI: needs root")
			return 1
		}
		fmt.Fprintln(os.Stderr, "e2e: skipped: needs root for namespaces, mounts and cgroups")
		return 0
	}
	if !sandbox.Inside() {
		return sandbox.Run()
	}
	if err := sandbox.Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	bin, done, err := findBinary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer done()
	gantryBin = bin
	defer stopShared()
	return m.Run()
}

// findBinary returns GANTRY_BIN, or builds the program for this run.
func findBinary() (string, func(), error) {
	if bin := os.Getenv("GANTRY_BIN"); bin != "" {
		return bin, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "gantry-bin-")
	if err != nil {
		return "", nil, err
	}
	bin := filepath.Join(dir, "gantry")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags", "seccomp netgo osusergo runc_nocriu",
		"-ldflags", `-linkmode external -extldflags "-static"`, "-o", bin, "gantry")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("building gantry: %w", err)
	}
	return bin, func() { _ = os.RemoveAll(dir) }, nil
}
