package headless

import (
	"context"
	"io"

	"gantry/engine"
)

// door is what all commands together need of an engine.
type door interface {
	imageStore
	containerList
	lifecycle
	processes
	registryDoor
	Close() error
}

type imageStore interface {
	Images(ctx context.Context) ([]engine.Image, error)
	Image(ctx context.Context, ref string) (engine.Image, error)
	Pull(ctx context.Context, ref string, o engine.PullOptions, sink engine.Sink) (engine.Image, error)
	RemoveImage(ctx context.Context, ref string, force bool) (engine.RemoveResult, error)
	Tag(ctx context.Context, src, dst string) error
	History(ctx context.Context, ref string) ([]engine.HistoryEntry, error)
}

type containerList interface {
	Containers(ctx context.Context) ([]engine.Container, error)
	Container(ctx context.Context, ref string) (engine.Container, error)
}

type lifecycle interface {
	Prepare(ctx context.Context) (prepared context.Context, done func())
	Create(ctx context.Context, spec engine.RunSpec, sink engine.Sink) (engine.Container, error)
	Start(ctx context.Context, ref string) error
	Stop(ctx context.Context, ref string, o engine.StopOptions) error
	Restart(ctx context.Context, ref string, o engine.StopOptions) error
	Kill(ctx context.Context, ref, signal string) error
	Pause(ctx context.Context, ref string) error
	Unpause(ctx context.Context, ref string) error
	Rename(ctx context.Context, ref, name string) error
	Remove(ctx context.Context, ref string, o engine.RemoveOptions) error
	Wait(ctx context.Context, ref string) (int, error)
}

type processes interface {
	StartAttached(ctx context.Context, ref string, o engine.AttachOptions) (session, error)
	Attach(ctx context.Context, ref string, o engine.AttachOptions) (session, error)
	Exec(ctx context.Context, ref string, spec engine.ExecSpec) (session, error)
	Logs(ctx context.Context, ref string) (logReader, error)
}

// session is an attached process.
type session interface {
	Stream(ctx context.Context, st engine.Streams) (engine.Result, error)
	Resize(cols, rows uint16) error
	Signal(name string) error
	Close() error
}

type logReader interface {
	Copy(ctx context.Context, o engine.LogOpts, stdout, stderr io.Writer) error
	Close() error
}

// sizer is an engine that knows how much disk a container uses: its writable
// layer, and that with its image.
type sizer interface {
	ContainerSize(ctx context.Context, ref string) (writable, total int64, err error)
}

// live is the real engine behind a door.
type live struct{ *engine.Engine }

func (l live) StartAttached(ctx context.Context, ref string, o engine.AttachOptions) (session, error) {
	return opened[session](l.Engine.StartAttached(ctx, ref, o))
}

func (l live) Attach(ctx context.Context, ref string, o engine.AttachOptions) (session, error) {
	return opened[session](l.Engine.Attach(ctx, ref, o))
}

func (l live) Exec(ctx context.Context, ref string, spec engine.ExecSpec) (session, error) {
	return opened[session](l.Engine.Exec(ctx, ref, spec))
}

func (l live) Logs(ctx context.Context, ref string) (logReader, error) {
	return opened[logReader](l.Engine.Logs(ctx, ref))
}

// opened turns a pointer into an interface that is nil when the pointer is.
func opened[I any, P interface {
	*T
	io.Closer
}, T any](p P, err error) (I, error) {
	var none I
	if p == nil || err != nil {
		return none, err
	}
	return any(p).(I), nil
}
