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
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// insideEnv marks the process that already stands in its own namespaces.
const insideEnv = "GANTRY_E2E_INSIDE"

// hostNetFD is the descriptor of the network namespace the suite came from.
const hostNetFD = 3

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
	if os.Getenv(insideEnv) == "" {
		return enter()
	}
	if err := prepareNamespaces(); err != nil {
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

// enter runs this test binary again in new mount and network namespaces and
// returns its exit code.
func enter() int {
	host, err := os.Open("/proc/self/ns/net")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer host.Close()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{host}
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = cmd.Run()
	if err == nil {
		return 0
	}
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

func prepareNamespaces() error {
	unix.CloseOnExec(hostNetFD)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	// sysfs shows the links of the namespace it was mounted in.
	return linkUp("lo")
}

// linkUp sets a link up by ioctl, see netdevice(7).
func linkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	return nil
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
