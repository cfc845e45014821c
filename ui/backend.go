package ui

import (
	"context"

	"gantry/engine"
	"gantry/ui/screens"
)

// Session is a process the terminal can be handed to.
type Session interface {
	Stream(ctx context.Context, st engine.Streams) (engine.Result, error)
	Resize(cols, rows uint16) error
	Signal(name string) error
	Tty() bool
	Close() error
}

// Processes opens sessions.
type Processes interface {
	Attach(ctx context.Context, ref string, o engine.AttachOptions) (Session, error)
	StartAttached(ctx context.Context, ref string, o engine.AttachOptions) (Session, error)
	Exec(ctx context.Context, ref string, spec engine.ExecSpec) (Session, error)
}

// Backend is what the terminal is a terminal of: an engine, or a test's fake.
type Backend struct {
	Images     screens.ImageStore
	Pruner     screens.ImagePruner
	Lister     screens.ContainerLister
	Containers screens.ContainerControl
	Creator    screens.ContainerCreator
	Sessions   screens.SessionLister
	Processes  Processes
	OpenLog    func(ctx context.Context, ref string) (screens.LogSource, error)
	Watch      func(ctx context.Context) (<-chan engine.Change, error)

	OpenLayers    func(ctx context.Context, source string) (screens.LayerSource, error)
	CompareLayers func(ctx context.Context, a, b string) (screens.LayerDiff, error)
}

// FromEngine makes a backend of an engine.
func FromEngine(e *engine.Engine) Backend {
	return Backend{
		Images: e, Pruner: e, Lister: e, Containers: e, Creator: e, Sessions: e,
		Processes: processes{e},
		Watch:     e.Watch,

		OpenLayers: func(ctx context.Context, source string) (screens.LayerSource, error) {
			return openLayers(e.LayerIndex(ctx, source))
		},
		CompareLayers: func(ctx context.Context, a, b string) (screens.LayerDiff, error) {
			return compareLayers(e.CompareImages(ctx, a, b))
		},
		OpenLog: func(ctx context.Context, ref string) (screens.LogSource, error) {
			log, err := e.Logs(ctx, ref)
			if err != nil {
				return nil, err
			}
			return log, nil
		},
	}
}

// processes narrows the engine's concrete sessions to the interface; an error
// must not come with a session that is a typed nil.
type processes struct{ engine *engine.Engine }

func (p processes) Attach(ctx context.Context, ref string, o engine.AttachOptions) (Session, error) {
	return narrow(p.engine.Attach(ctx, ref, o))
}

func (p processes) StartAttached(ctx context.Context, ref string, o engine.AttachOptions) (Session, error) {
	return narrow(p.engine.StartAttached(ctx, ref, o))
}

func (p processes) Exec(ctx context.Context, ref string, spec engine.ExecSpec) (Session, error) {
	return narrow(p.engine.Exec(ctx, ref, spec))
}

func narrow(s *engine.Session, err error) (Session, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
