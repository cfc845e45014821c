package containers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gantry/containers/attach"
	"gantry/store"
)

// started finds a container. One that is just being started is waited for, so
// that what follows reaches it.
func (m *Manager) started(ctx context.Context, ref string) (Container, error) {
	c, err := m.Get(ctx, ref)
	if err != nil || claimsToRun(c.Record) {
		return c, err
	}
	if c.Damaged != "" {
		return c, fmt.Errorf("container %s is %w, it can only be removed: %s", display(c), store.ErrDamaged, c.Damaged)
	}
	if held, err := m.supervised(c.ID); !held || err != nil {
		return c, err
	}
	life, err := m.life(ctx, c.ID)
	if err != nil {
		return c, err
	}
	life.Unlock()
	return m.Get(ctx, c.ID)
}

// running finds a container that runs, paused or not.
func (m *Manager) running(ctx context.Context, ref string) (Container, error) {
	c, err := m.started(ctx, ref)
	if err == nil && !claimsToRun(c.Record) {
		return c, notRunning(c)
	}
	return c, err
}

// A supervisor that lives and whose container runs listens at once, or very
// soon.
const (
	listenPatience = 2 * time.Second
	listenPoll     = 5 * time.Millisecond
)

// ask puts a question to a container's supervisor, and again when it did not
// listen yet.
func (m *Manager) ask(ctx context.Context, id string, question func(ctx context.Context, socket string) error) error {
	limit := time.Now().Add(listenPatience)
	for {
		err := question(ctx, m.Socket(id))
		if !errors.Is(err, attach.ErrNotRunning) || time.Now().After(limit) {
			return err
		}
		r, getErr := m.read(id)
		if held, heldErr := m.supervised(id); !held || heldErr != nil || getErr == nil && !claimsToRun(r) {
			return err
		}
		t := time.NewTimer(listenPoll)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

func (m *Manager) signal(ctx context.Context, id, name string) error {
	return m.ask(ctx, id, func(ctx context.Context, socket string) error {
		return attach.Signal(ctx, socket, "", name)
	})
}

func (m *Manager) unlessEnded(c Container, err error) error {
	if ended(err) {
		return notRunning(c)
	}
	return err
}

// ended reports whether a supervisor did not answer because it is gone.
func ended(err error) bool {
	return errors.Is(err, attach.ErrNotRunning) || errors.Is(err, attach.ErrLost)
}

// gone forgives that a container was removed meanwhile.
func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
