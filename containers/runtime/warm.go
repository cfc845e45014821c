package runtime

import (
	"os"

	"github.com/opencontainers/cgroups"
)

// Warm does what the first container of a process takes and what is the same
// for all: for a process that has to wait anyway before it is told which.
func Warm() {
	profile()
	cgroups.IsCgroup2UnifiedMode()
	cgroups.IsCgroup2HybridMode()
	if p, err := os.FindProcess(os.Getpid()); err == nil { // learns what pidfds can do here
		_ = p.Release()
	}
}
