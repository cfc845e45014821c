package containers

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"gantry/containers/attach"
	"gantry/store"
)

// StopOptions say how to stop.
type StopOptions struct {
	Signal  string // "": the container's stop signal
	Timeout *int   // seconds until SIGKILL; nil: the container's; -1: never
}

// defaultStopTimeout and killPatience are Docker's: how long a container may
// take to obey its stop signal, and SIGKILL.
const (
	defaultStopTimeout = 10
	killPatience       = 10 * time.Second
)

// Stop asks a container to end, and kills it when it does not in time. Stopping
// one that does not run is no error. Another Stop or Kill may overtake it.
func (m *Manager) Stop(ctx context.Context, ref string, o StopOptions) error {
	c, err := m.started(ctx, ref)
	if err != nil || !claimsToRun(c.Record) {
		return err
	}
	name := o.Signal
	if name == "" {
		name = c.Config.stopSignal()
	}
	if _, err := ParseSignal(name); err != nil {
		return err
	}
	if err := m.markStopped(ctx, c.ID); err != nil {
		return gone(err)
	}
	if c.State.Status == Paused {
		if err := m.thaw(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := m.signal(ctx, c.ID, name); err != nil && !ended(err) {
		return err
	}
	if err := m.waitFor(ctx, c.ID, stopTimeout(c.Config, o)); !errors.Is(err, errStillRuns) {
		return err
	}
	return m.kill(ctx, c)
}

// stopTimeout is negative when there is none.
func stopTimeout(c Config, o StopOptions) time.Duration {
	seconds := defaultStopTimeout
	switch {
	case o.Timeout != nil:
		seconds = *o.Timeout
	case c.StopTimeout != nil:
		seconds = *c.StopTimeout
	}
	return time.Duration(seconds) * time.Second
}

// markStopped notes that a person wanted the container to end, so that nothing
// restarts it. It comes before the signal: the supervisor reads it when the
// process ends.
func (m *Manager) markStopped(ctx context.Context, id string) error {
	_, err := m.Update(ctx, id, func(r *Record) error { r.State.Stopped = true; return nil })
	return err
}

// kill sends SIGKILL and waits for the end. A frozen process takes the signal
// when it is thawed.
func (m *Manager) kill(ctx context.Context, c Container) error {
	if err := m.signal(ctx, c.ID, "SIGKILL"); err != nil && !ended(err) {
		return err
	}
	if now, err := m.read(c.ID); err == nil && now.State.Status == Paused {
		if err := m.thaw(ctx, c.ID); err != nil {
			return err
		}
	}
	err := m.waitFor(ctx, c.ID, killPatience)
	if errors.Is(err, errStillRuns) {
		return fmt.Errorf("container %s did not end within %v of SIGKILL: %w", display(c), killPatience, store.ErrInUse)
	}
	return err
}

var errStillRuns = errors.New("still runs")

// waitFor waits until a container has ended; the error is errStillRuns when it
// has not in time. A negative time is for ever.
func (m *Manager) waitFor(ctx context.Context, id string, d time.Duration) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if d >= 0 {
		limited, cancel = context.WithTimeout(ctx, d)
	}
	defer cancel()
	_, err := m.wait(limited, id)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return errStillRuns
	}
	return err
}

// Kill sends a signal, "" meaning SIGKILL, to a running container. It does not
// wait for what comes of it.
func (m *Manager) Kill(ctx context.Context, ref, name string) error {
	if name == "" {
		name = "SIGKILL"
	}
	sig, err := ParseSignal(name)
	if err != nil {
		return err
	}
	c, err := m.running(ctx, ref)
	if err != nil {
		return err
	}
	// Other signals may mean anything to the program: only these end it.
	stop, err := ParseSignal(c.Config.stopSignal())
	ends := sig == syscall.SIGKILL || err == nil && sig == stop
	if ends {
		if err := m.markStopped(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := m.signal(ctx, c.ID, name); err != nil {
		return m.unlessEnded(c, err)
	}
	if ends && c.State.Status == Paused {
		return m.thaw(ctx, c.ID)
	}
	return nil
}

// Pause freezes all processes of a container.
func (m *Manager) Pause(ctx context.Context, ref string) error {
	c, err := m.running(ctx, ref)
	if err != nil {
		return err
	}
	if c.State.Status == Paused {
		return sayf(store.ErrInUse, "container %s is already paused", display(c))
	}
	if err := m.ask(ctx, c.ID, attach.Pause); err != nil {
		return m.unlessEnded(c, err)
	}
	return m.move(ctx, c.ID, Running, Paused)
}

// Unpause is the inverse of Pause.
func (m *Manager) Unpause(ctx context.Context, ref string) error {
	c, err := m.running(ctx, ref)
	if err != nil {
		return err
	}
	if c.State.Status != Paused {
		return sayf(store.ErrInUse, "container %s is not paused", display(c))
	}
	if err := m.ask(ctx, c.ID, attach.Unpause); err != nil {
		return m.unlessEnded(c, err)
	}
	return m.move(ctx, c.ID, Paused, Running)
}

// thaw is Unpause for a container that is about to end: that it already did is
// no error.
func (m *Manager) thaw(ctx context.Context, id string) error {
	if err := m.ask(ctx, id, attach.Unpause); err != nil {
		if ended(err) {
			return nil
		}
		return err
	}
	return gone(m.move(ctx, id, Paused, Running))
}

// move changes the status, unless the container ended meanwhile.
func (m *Manager) move(ctx context.Context, id string, from, to Status) error {
	_, err := m.Update(ctx, id, func(r *Record) error {
		if r.State.Status == from {
			r.State.Status = to
		}
		return nil
	})
	return err
}
