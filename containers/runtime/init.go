package runtime

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	// The C constructor that enters the namespaces before Go starts.
	_ "github.com/opencontainers/runc/libcontainer/nsenter"
)

// Go initialises packages in the order of their paths as far as imports allow,
// so this comes before the packages of the screens and parsers, which the stage
// does not need and which would cost each start about 2 ms.
func init() { Init() }

// Init is the stage in the container's namespaces that becomes the user's
// program. Call it first in main: it returns at once in every other process.
//
// libcontainer sets the parent-death signal on the process it forks, but the
// one that becomes the container is that one's child, and fork clears the
// signal; so it is set again here. A program that changes its own credentials
// loses it, as the kernel has it: then CleanUp is what ends the container.
func Init() {
	if len(os.Args) < 2 || os.Args[1] != "init" || os.Getenv("_LIBCONTAINER_INITPIPE") == "" {
		return
	}
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // lives for 5 ms
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	libcontainer.Init()
}
