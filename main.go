// Command gantry is a container workstation in a terminal: with no command it
// opens the screens, with one it does one thing and exits.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"gantry/containers/runtime"
	"gantry/containers/supervisor"
	"gantry/engine"
	"gantry/internal/applets"
	"gantry/ui/headless"
)

func main() {
	if len(os.Args) > 1 {
		reexec(os.Args[1], os.Args[2:])
	}
	name := filepath.Base(os.Args[0])
	if applets.Lookup(name) {
		os.Exit(applets.Main(name, os.Args[1:]))
	}
	os.Exit(run(strings.HasPrefix(name, "docker")))
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

func run(docker bool) int {
	globals, _, _ := headless.ParseGlobals(os.Args[1:]) // what is wrong with them, Execute says
	open := func(ctx context.Context) (*engine.Engine, error) {
		cfg, err := engine.LoadConfig(docker)
		if err != nil {
			return nil, err
		}
		cfg.Locate(globals.Root, globals.RunDir)
		return engine.Open(ctx, cfg)
	}
	std := headless.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}
	return headless.Execute(context.Background(), os.Args[1:], std, open, headless.Options{Docker: docker})
}
