// Package attach is the conversation between a container's supervisor and
// whoever looks at the container: terminal bytes, signals, window sizes and the
// final exit code, over one unix socket. A client may leave at any time; the
// process goes on.
package attach

import (
	"context"
	"errors"
	"io"
)

// Streams are the caller's ends of an attached process.
type Streams struct {
	In  io.Reader // nil: no input; its end closes the process's stdin
	Out io.Writer
	Err io.Writer // unused with a tty
	// DetachKeys leave the process running when read from In; empty: none.
	DetachKeys []byte
}

// Result says how Stream ended.
type Result struct {
	ExitCode int   // of the process; 255 when unknown
	Detached bool  // the caller left, the process runs on
	Lost     bool  // the supervisor vanished
	Dropped  int64 // output bytes this client was too slow for
}

// Session is one client's view of a process: a container's main process or one
// started by exec.
type Session struct{}

var errNotConnected = errors.New("session is not connected")

// Stream copies raw bytes between the caller and the process until the process
// exits, the caller detaches, or ctx is done.
func (s *Session) Stream(ctx context.Context, st Streams) (Result, error) {
	return Result{}, errNotConnected
}

// Resize sets the size of the process's terminal, in cells.
func (s *Session) Resize(cols, rows uint16) error { return errNotConnected }

// Signal sends a signal, named as in signal(7), to the process.
func (s *Session) Signal(name string) error { return errNotConnected }

// Tty reports whether the process has a terminal.
func (s *Session) Tty() bool { return false }

// ID names the exec session; it is empty for the main process.
func (s *Session) ID() string { return "" }

// Close leaves the process running.
func (s *Session) Close() error { return nil }
