package registry

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// errStalled ends a body that sent nothing for the idle timeout.
var errStalled = errors.New("the registry stopped sending")

// idleBody cancels its request when a single Read waits too long. Time between
// Reads does not count: a slow disk is not a stalled registry.
type idleBody struct {
	body    io.ReadCloser
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	idle    time.Duration
	stalled atomic.Bool
}

func newIdleBody(body io.ReadCloser, cancel context.CancelCauseFunc, idle time.Duration) *idleBody {
	b := &idleBody{body: body, cancel: cancel, idle: idle}
	b.timer = time.AfterFunc(idle, func() {
		b.stalled.Store(true)
		cancel(errStalled)
	})
	b.timer.Stop()
	return b
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.idle)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF && b.stalled.Load() {
		err = errStalled
	}
	return n, err
}

func (b *idleBody) Close() error {
	b.timer.Stop()
	err := b.body.Close()
	b.cancel(nil)
	return err
}
