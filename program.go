package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"gantry/engine"
	"gantry/ui"
	"gantry/ui/headless"
)

// program is gantry as a person or a script called it.
type program struct {
	args   []string
	docker bool // called by a name that starts with docker
}

// run opens the screens when there is a terminal and nothing else to do, and
// returns the exit code.
func (p program) run() int {
	globals, rest, err := headless.ParseGlobals(p.args)
	wanted := err != nil || len(rest) > 0 || globals.Cmd != "" || globals.Version || globals.Help
	if wanted || p.docker || !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		std := headless.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}
		open := func(ctx context.Context) (*engine.Engine, error) { return p.open(ctx, globals) }
		return headless.Execute(context.Background(), p.args, std, open, headless.Options{Docker: p.docker})
	}
	if err := p.screens(globals); err != nil {
		fmt.Fprintln(os.Stderr, "gantry:", engine.Printable(err.Error()))
		if hint := engine.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, hint)
		}
		return engine.ExitCode(err)
	}
	return 0
}

func (p program) open(ctx context.Context, globals headless.Globals) (*engine.Engine, error) {
	cfg, err := engine.LoadConfig(p.docker)
	if err != nil {
		return nil, err
	}
	cfg.Locate(globals.Root, globals.RunDir)
	return engine.Open(ctx, cfg)
}

// screens shows the workstation until the user leaves or the terminal goes
// away; containers do not notice either.
func (p program) screens(globals headless.Globals) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	eng, err := p.open(ctx, globals)
	if err != nil {
		return err
	}
	defer eng.Close()
	shared := func(context.Context) (*engine.Engine, error) { return eng, nil }
	return ui.Run(ctx, eng, ui.Options{
		NoColor: globals.NoColor,
		Execute: func(ctx context.Context, argv []string, in io.Reader, out, errs io.Writer) int {
			std := headless.IO{In: in, Out: out, Err: errs, Env: os.LookupEnv}
			return headless.Execute(ctx, argv, std, shared, headless.Options{Embedded: true})
		},
	})
}
