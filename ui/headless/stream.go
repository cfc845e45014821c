package headless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"gantry/engine"
)

// streaming is how the caller's streams are joined to a process.
type streaming struct {
	tty, stdin bool
	only       map[string]bool // the streams to attach; empty: all
	sigProxy   bool
	detachKeys string
	keys       []byte
}

func (s *streaming) add(f *pflag.FlagSet) {
	f.StringVar(&s.detachKeys, "detach-keys", "", "`Keys` that leave the container running (default ctrl-p,ctrl-q)")
	f.BoolVar(&s.sigProxy, "sig-proxy", true, "Pass signals on to the process (without a terminal)")
}

func (s *streaming) parse() (err error) {
	s.keys, err = engine.ParseDetachKeys(s.detachKeys)
	return err
}

var errNotTTY = errors.New("the input device is not a TTY")

// needTerminal refuses to give a process a terminal that the caller's input is
// not.
func (a *app) needTerminal(s streaming) error {
	if s.tty && s.stdin && terminal(a.In) == nil {
		return errNotTTY
	}
	return nil
}

// size is the caller's terminal's, or 0, 0.
func (a *app) size() (cols, rows uint16) {
	for _, stream := range []any{a.Out, a.In, a.Err} {
		if f := terminal(stream); f != nil {
			if w, h, err := term.GetSize(int(f.Fd())); err == nil {
				return uint16(w), uint16(h)
			}
		}
	}
	return 0, 0
}

// stream opens a session and joins it to the caller until the process exits or
// the caller leaves; the process's exit code becomes the command's.
func (a *app) stream(cmd *cobra.Command, s streaming, open func(context.Context) (session, error)) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	signals := make(chan os.Signal, 64)
	if !a.opts.Embedded {
		notify(signals, s)
		defer signal.Stop(signals)
	}
	conn, err := open(ctx)
	if err != nil {
		return unstarted(cmd, err)
	}
	defer conn.Close() // the process goes on without us
	restore := a.raw(s)
	defer restore()

	var relay sync.WaitGroup
	relay.Go(func() { a.relay(ctx, cancel, s, conn, signals) })
	result, err := conn.Stream(ctx, a.streams(s))
	cause := context.Cause(ctx)
	cancel(nil)
	relay.Wait()
	restore()
	return a.ended(result, err, cause)
}

// streams are the ends the session copies to and from.
func (a *app) streams(s streaming) engine.Streams {
	st := engine.Streams{Out: a.Out, Err: a.Err}
	if s.stdin {
		st.In = a.In
	}
	if s.tty {
		st.DetachKeys = s.keys
	}
	if len(s.only) > 0 && !s.only["stdout"] {
		st.Out = io.Discard
	}
	if len(s.only) > 0 && !s.only["stderr"] {
		st.Err = io.Discard
	}
	return st
}

// raw hands the caller's terminal to the process and returns what undoes it.
func (a *app) raw(s streaming) (restore func()) {
	in := terminal(a.In)
	if !s.tty || !s.stdin || in == nil {
		return func() {}
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return func() {}
	}
	return sync.OnceFunc(func() { _ = term.Restore(int(in.Fd()), state) })
}

// notify chooses the signals to see: all that can be passed on or, with a
// terminal, its size and what ends this program.
func notify(signals chan os.Signal, s streaming) {
	switch {
	case s.tty:
		signal.Notify(signals, syscall.SIGWINCH, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	case s.sigProxy:
		signal.Notify(signals)
	default:
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	}
}

var errLost = errors.New("the container's supervisor is gone: the container is being taken down")

// left is a signal that made this program leave the process alone.
type left struct{ syscall.Signal }

func (l left) Error() string { return l.String() }

// relay passes signals on until ctx is done. A session that is ending refuses
// them; that is no error.
func (a *app) relay(ctx context.Context, leave context.CancelCauseFunc, s streaming, conn session,
	signals <-chan os.Signal) {
	for {
		var sig os.Signal
		select {
		case <-ctx.Done():
			return
		case sig = <-signals:
		}
		number, _ := sig.(syscall.Signal)
		switch {
		case number == syscall.SIGWINCH && s.tty:
			if cols, rows := a.size(); cols > 0 {
				_ = conn.Resize(cols, rows)
			}
		case s.tty || !s.sigProxy:
			leave(left{number})
		case proxied(number):
			name, _ := engine.ParseSignal(strconv.Itoa(int(number))) // checked by proxied
			_ = conn.Signal(name)
		}
	}
}

// proxied leaves out what the kernel or Go's runtime sends this process for its
// own purposes.
func proxied(s syscall.Signal) bool {
	switch s {
	case syscall.SIGCHLD, syscall.SIGPIPE, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGTTIN, syscall.SIGTTOU:
		return false
	}
	_, err := engine.ParseSignal(strconv.Itoa(int(s)))
	return err == nil
}

// ended turns the end of a stream into the end of the command.
func (a *app) ended(r engine.Result, err, cause error) error {
	var l left
	switch {
	case errors.As(cause, &l):
		return exit(128 + int(l.Signal))
	case err != nil:
		return err
	case r.Detached:
		fmt.Fprintln(a.Err, "read escape sequence")
		return nil
	}
	if r.Dropped > 0 {
		a.warn("%d bytes of output were dropped: the output is read too slowly", r.Dropped)
	}
	if r.Lost {
		return &failure{code: r.ExitCode, err: errLost}
	}
	return exit(r.ExitCode)
}
