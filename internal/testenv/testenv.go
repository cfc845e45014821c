// Package testenv says what a test needs of the machine. On a machine without
// it the test is skipped with the reason; where GANTRY_CI is set it fails
// instead, so that nothing is skipped unseen in continuous integration.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// NeedsRoot asks for uid 0 with the capabilities to make namespaces and mounts.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "needs root: mounts, namespaces and device nodes")
	}
}

// NeedsProgram asks for a program on PATH and returns its path.
func NeedsProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "needs the program "+name)
	}
	return path
}

// Missing skips the test with why, or fails it where GANTRY_CI is set.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("GANTRY_CI") != "" {
		t.Fatalf("required in CI: %s", why)
	}
	t.Skip(why)
}
