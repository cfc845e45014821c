// Package headless is Gantry without screens: one tree of commands, shaped as
// Docker's, for `gantry run …`, `gantry --cmd 'run …'` and the palette. Results
// go to standard output, everything else to standard error, and the exit code
// is the one a script made for Docker expects. An option it does not know is
// refused by its name, never ignored.
package headless

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kballard/go-shellquote"
	"golang.org/x/term"

	"gantry/engine"
)

// IO is the command's side of the world.
type IO struct {
	In       io.Reader // nil: empty
	Out, Err io.Writer
	Env      func(name string) (value string, set bool) // nil: an empty environment
}

// Options say who is asking.
type Options struct {
	Docker bool   // answer with Docker's words
	Prog   string // the program's name in messages; "" is gantry, or docker
	// Embedded is true when a running program asks, such as the palette: the
	// engine is open already and signals are not ours.
	Embedded bool
}

// Execute runs one command line, without the program's name, and returns its
// exit code. open is called at most once, by commands that need an engine; the
// engine is closed before Execute returns unless Embedded is set. The global
// options that say where the store is are open's business: see ParseGlobals.
func Execute(ctx context.Context, argv []string, std IO, open func(context.Context) (*engine.Engine, error), o Options) int {
	return newApp(std, func(ctx context.Context) (door, error) {
		e, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return live{e}, nil
	}, o).execute(ctx, argv)
}

func (a *app) execute(ctx context.Context, argv []string) int {
	globals, rest, err := ParseGlobals(argv)
	if err == nil && globals.Cmd != "" {
		if len(rest) > 0 {
			err = fmt.Errorf("--cmd and a command exclude each other: %s", rest[0])
		} else if rest, err = shellquote.Split(globals.Cmd); err != nil {
			err = fmt.Errorf("--cmd %s: %w", globals.Cmd, err)
		}
	}
	switch {
	case err == nil && a.opts.Embedded && (globals.Root != "" || globals.RunDir != ""):
		err = fmt.Errorf("--root and --run-dir cannot be changed here")
	case err == nil && globals.Version:
		rest = []string{"--version"}
	case err == nil && globals.Help:
		rest = []string{"--help"}
	}
	if err != nil {
		return a.report(usage(err, a.prog))
	}
	defer a.close()
	root := a.tree()
	root.SetArgs(append([]string{}, rest...)) // never nil: cobra would take os.Args
	return a.report(root.ExecuteContext(ctx))
}

// app is one execution: where it reads and writes, and its engine once opened.
type app struct {
	IO
	opts   Options
	prog   string
	now    func() time.Time
	opener func(context.Context) (door, error)
	opened door
	outTTY bool
	errTTY bool
}

func newApp(std IO, open func(context.Context) (door, error), o Options) *app {
	a := &app{IO: std, opts: o, prog: o.Prog, now: time.Now, opener: open}
	switch {
	case a.prog != "":
	case o.Docker:
		a.prog = "docker"
	default:
		a.prog = "gantry"
	}
	if a.Env == nil {
		a.Env = func(string) (string, bool) { return "", false }
	}
	a.outTTY, a.errTTY = terminal(std.Out) != nil, terminal(std.Err) != nil
	return a
}

// engine opens the engine on first use.
func (a *app) engine(ctx context.Context) (door, error) {
	if a.opened != nil {
		return a.opened, nil
	}
	d, err := a.opener(ctx)
	if err != nil {
		return nil, err
	}
	a.opened = d
	return d, nil
}

func (a *app) close() {
	if a.opened != nil && !a.opts.Embedded {
		_ = a.opened.Close() // what was written is on disk already
	}
}

// safe returns a foreign string as it may be written to standard output:
// cleaned for a terminal, as it is for a program.
func (a *app) safe(s string) string {
	if a.outTTY {
		return engine.Printable(s)
	}
	return s
}

func (a *app) warn(format string, args ...any) {
	fmt.Fprintln(a.Err, engine.Printable(fmt.Sprintf("WARNING: "+format, args...)))
}

// interruptible returns a context that ends when the user interrupts.
func (a *app) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.opts.Embedded {
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// terminal returns the file behind a stream that is a terminal, or nil.
func terminal(stream any) *os.File {
	if f, ok := stream.(*os.File); ok && f != nil && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}
