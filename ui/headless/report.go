package headless

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// failure is how a command ends other than well: with an exit code and, unless
// err is nil, a line about it.
type failure struct {
	code int
	err  error
	help string // the command whose --help to point at
	late bool   // the command line was right; only Docker points at --help then
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage is a mistake in the command line of the named command.
func usage(err error, command string) error {
	return &failure{code: engine.ExitEngine, err: err, help: command}
}

// conflict is two options that exclude each other: Docker ends with 1 then.
func conflict(format string, args ...any) error {
	return &failure{code: 1, err: fmt.Errorf(format, args...)}
}

// exit ends with a process's code and no further word.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return &failure{code: code}
}

// unstarted is the error of a command that runs a process and could not.
func unstarted(cmd *cobra.Command, err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	return &failure{code: engine.ExitCode(err), err: err, help: cmd.CommandPath(), late: true}
}

// report writes what went wrong, one line and a hint, and returns the code.
func (a *app) report(err error) int {
	var f *failure
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &f):
		f = &failure{code: 1, err: err}
	}
	if errors.Is(err, context.Canceled) {
		return engine.ExitInterrupted
	}
	if f.err == nil {
		return f.code
	}
	fmt.Fprintf(a.Err, "%s: %s\n", a.prog, engine.Printable(f.err.Error()))
	hint := engine.Hint(f.err)
	switch {
	case f.help != "" && (a.opts.Docker || hint == "" && !f.late):
		fmt.Fprintf(a.Err, "See '%s --help'.\n", f.help)
	case hint != "" && !a.opts.Docker:
		fmt.Fprintf(a.Err, "hint: %s\n", engine.Printable(hint))
	}
	return f.code
}

// complain reports one of several names that failed while the others go on.
func (a *app) complain(err error) {
	fmt.Fprintf(a.Err, "%s: %s\n", a.prog, engine.Printable(err.Error()))
}

// errSkip is success of a name that is not to be echoed.
var errSkip = errors.New("done")

// each does something to every name, goes on after a failure and echoes the
// names it was done to.
func (a *app) each(names []string, do func(name string) error) error {
	var last error
	for _, name := range names {
		err := do(name)
		if errors.Is(err, context.Canceled) {
			return err
		}
		if errors.Is(err, errSkip) {
			continue
		}
		if err != nil {
			last = err
			a.complain(err)
			continue
		}
		fmt.Fprintln(a.Out, a.safe(name))
	}
	if last == nil {
		return nil
	}
	if hint := engine.Hint(last); hint != "" && !a.opts.Docker {
		fmt.Fprintf(a.Err, "hint: %s\n", engine.Printable(hint))
	}
	return exit(1)
}
