// Package engine is the one door to everything Gantry does: it joins images,
// containers, networks and the store into the operations a person knows. It
// has no daemon behind it; any number of processes may open the same store at
// once. It makes no system calls of its own.
package engine

import (
	"context"
	"errors"
)

// Config says where an engine keeps things and how it behaves.
type Config struct {
	Root string // $GANTRY_ROOT
	Run  string // $GANTRY_RUN
	// Docker is true when the program answers to Docker's command line.
	Docker bool
}

// Engine is safe for concurrent use.
type Engine struct{ cfg Config }

var errUnwired = errors.New("engine: not connected")

// Open opens or makes the store at cfg.Root.
func Open(ctx context.Context, cfg Config) (*Engine, error) { return &Engine{cfg}, nil }

// Close releases what Open took. Running containers run on.
func (e *Engine) Close() error { return nil }

// Images lists every image, newest first. A damaged one is listed as such.
func (e *Engine) Images(ctx context.Context) ([]Image, error) { return nil, errUnwired }

// Image finds one image by name, ID or unique ID prefix.
func (e *Engine) Image(ctx context.Context, ref string) (Image, error) { return Image{}, errUnwired }

// Pull fetches ref from its registry, whatever is here already.
func (e *Engine) Pull(ctx context.Context, ref string, o PullOptions, sink Sink) (Image, error) {
	return Image{}, errUnwired
}

// RemoveImage takes away a name, and the image with its last name.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) (RemoveResult, error) {
	return RemoveResult{}, errUnwired
}

// Tag gives the image src the further name dst.
func (e *Engine) Tag(ctx context.Context, src, dst string) error { return errUnwired }

// History lists an image's instructions, newest first.
func (e *Engine) History(ctx context.Context, ref string) ([]HistoryEntry, error) {
	return nil, errUnwired
}

// Containers lists all containers, newest first, whatever their state.
func (e *Engine) Containers(ctx context.Context) ([]Container, error) { return nil, errUnwired }

// Container finds one by name, ID or unique ID prefix.
func (e *Engine) Container(ctx context.Context, ref string) (Container, error) {
	return Container{}, errUnwired
}

// Create makes a container and does not start it.
func (e *Engine) Create(ctx context.Context, spec RunSpec, sink Sink) (Container, error) {
	return Container{}, errUnwired
}

// Start starts a container; nobody is attached.
func (e *Engine) Start(ctx context.Context, ref string) error { return errUnwired }

// StartAttached starts a container with the caller attached before its first
// byte of output.
func (e *Engine) StartAttached(ctx context.Context, ref string, o AttachOptions) (*Session, error) {
	return nil, errUnwired
}

// Stop sends the stop signal, then SIGKILL after the timeout. Stopping a
// container that does not run is no error.
func (e *Engine) Stop(ctx context.Context, ref string, o StopOptions) error { return errUnwired }

// Kill sends a signal, "" meaning SIGKILL, to a running container.
func (e *Engine) Kill(ctx context.Context, ref, signal string) error { return errUnwired }

// Pause freezes, Unpause thaws all processes of a container.
func (e *Engine) Pause(ctx context.Context, ref string) error { return errUnwired }

// Unpause is the inverse of Pause.
func (e *Engine) Unpause(ctx context.Context, ref string) error { return errUnwired }

// Restart stops and starts a container.
func (e *Engine) Restart(ctx context.Context, ref string, o StopOptions) error { return errUnwired }

// Rename changes a container's name.
func (e *Engine) Rename(ctx context.Context, ref, name string) error { return errUnwired }

// Remove deletes a container with its writable layer and log.
func (e *Engine) Remove(ctx context.Context, ref string, o RemoveOptions) error { return errUnwired }

// Wait blocks until the container has exited and returns its exit code.
func (e *Engine) Wait(ctx context.Context, ref string) (int, error) { return 0, errUnwired }

// Attach joins the main process or an exec session of a running container.
func (e *Engine) Attach(ctx context.Context, ref string, o AttachOptions) (*Session, error) {
	return nil, errUnwired
}

// Exec starts a process in a running container, with the caller attached.
func (e *Engine) Exec(ctx context.Context, ref string, spec ExecSpec) (*Session, error) {
	return nil, errUnwired
}

// Sessions lists what can be attached to.
func (e *Engine) Sessions(ctx context.Context, ref string) ([]SessionInfo, error) {
	return nil, errUnwired
}

// Logs opens a container's log.
func (e *Engine) Logs(ctx context.Context, ref string) (*LogReader, error) { return nil, errUnwired }

// Watch reports changes made by any process until ctx is done.
func (e *Engine) Watch(ctx context.Context) (<-chan Change, error) { return nil, errUnwired }
