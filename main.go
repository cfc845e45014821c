// Command gantry is a container workstation in a terminal: with no command it
// opens the screens, with one it does one thing and exits.
package main

import (
	"os"
	"path/filepath"
	"strings"

	"gantry/containers/runtime"
	"gantry/containers/supervisor"
	"gantry/internal/applets"
)

func main() {
	if len(os.Args) > 1 {
		reexec(os.Args[1], os.Args[2:])
	}
	name := filepath.Base(os.Args[0])
	if applets.Lookup(name) {
		os.Exit(applets.Main(name, os.Args[1:]))
	}
	p := program{args: os.Args[1:], docker: strings.HasPrefix(name, "docker")}
	os.Exit(p.run())
}

// reexec serves the roles this binary plays for itself. They come before
// anything else is looked at: each container start passes here three times.
func reexec(role string, args []string) {
	switch role {
	case "init":
		if os.Getenv("_LIBCONTAINER_INITPIPE") != "" {
			runtime.Init()
		}
	case "supervise":
		os.Exit(supervisor.Main(args))
	}
}
