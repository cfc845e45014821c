package engine

import (
	"context"

	"gantry/containers/launch"
)

type spareKey struct{}

// Prepare begins with what every start of a container takes, whichever it will
// be, so that it goes on beside what the caller does before. The first Start or
// StartAttached with the returned context makes use of it; done ends what was
// not used, and must be called.
func (e *Engine) Prepare(ctx context.Context) (prepared context.Context, done func()) {
	spare := launch.Prepare()
	return context.WithValue(ctx, spareKey{}, spare), spare.Close
}

// spare is what was prepared in ctx, or nil.
func spare(ctx context.Context) *launch.Spare {
	s, _ := ctx.Value(spareKey{}).(*launch.Spare)
	return s
}
