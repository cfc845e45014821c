package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"gantry/containers/launch"
	"gantry/internal/flock"
	"gantry/store"
	"gantry/store/overlay"
)

// Reconcile finishes what died: it notes the end of containers whose supervisor
// was lost, takes away what they left in the kernel, and completes removals and
// creations that were cut short. A container that others work on is left to
// them. One that fails does not keep it from the others.
func (m *Manager) Reconcile(ctx context.Context) error {
	if err := m.s.Writable(); err != nil {
		return err
	}
	ids, err := m.records.IDs()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	var errs []error
	for _, id := range ids {
		known[id] = true
		errs = append(errs, m.reconcile(ctx, id))
	}
	intents, err := m.s.Intents()
	if err != nil {
		errs = append(errs, err)
	}
	for _, i := range intents {
		if !known[i.ID] {
			errs = append(errs, m.reconcile(ctx, i.ID))
		}
	}
	return errors.Join(errs...)
}

// reconcile looks at one container, most of which need nothing.
func (m *Manager) reconcile(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := m.read(id)
	half := errors.Is(err, store.ErrNotFound)
	_, err = m.s.Intent(id).Read()
	left := !errors.Is(err, store.ErrNotFound)
	if !half && !left && !claimsToRun(r) && r.State.Status != Removing {
		return nil
	}
	if held, err := m.supervised(id); held || err != nil {
		return err
	}
	if err := m.settle(ctx, id); err != nil {
		return fmt.Errorf("tidying up container %s: %w", short(id), err)
	}
	return nil
}

// settle brings a container without a supervisor into a lasting state. It does
// nothing when somebody else is at it.
func (m *Manager) settle(ctx context.Context, id string) error {
	life, err := m.s.TryLock(lifeLocks, id)
	if errors.Is(err, store.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer life.Unlock()
	lock, err := m.keepFree(id)
	if errors.Is(err, store.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	r, err := m.read(id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return m.eraseLocked(ctx, id, life, false)
	case err != nil:
		return m.clear(ctx, id)
	case r.State.Status == Removing:
		return m.eraseLocked(ctx, id, life, false)
	case claimsToRun(r):
		return m.settleLost(ctx, r, life)
	}
	return m.clear(ctx, id)
}

func (m *Manager) settleLost(ctx context.Context, r Record, life *flock.Lock) error {
	if r.Host.AutoRemove {
		return m.eraseLocked(ctx, r.ID, life, false)
	}
	return m.finish(ctx, r)
}

// finish notes how a container ended whose supervisor was lost, then takes away
// what it left: in this order, so that the next process finds the end noted
// whatever becomes of the rest. Precondition: the caller holds the life and
// supervisor locks.
func (m *Manager) finish(ctx context.Context, r Record) error {
	_, err := m.Update(ctx, r.ID, func(r *Record) error {
		if claimsToRun(*r) {
			m.markLost(r)
		}
		return nil
	})
	return errors.Join(err, m.clear(ctx, r.ID))
}

const exitKilled = 137

// markLost writes down the end of a container that nobody saw. Its process died
// with the supervisor; of a former boot nothing is known.
func (m *Manager) markLost(r *Record) {
	r.ended(Exited, exitKilled, now())
	r.State.Reason = "supervisor lost"
	if r.State.BootID != "" && r.State.BootID != m.s.BootID() {
		r.State.ExitCode, r.State.Reason = exitUnknown, "host restarted"
	}
}

// clear takes away what a container owned in the kernel, and then the list of
// it. It may be repeated. Precondition: the caller holds the life and supervisor
// locks.
func (m *Manager) clear(ctx context.Context, id string) error {
	r, err := m.s.Intent(id).Read()
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	default:
		if err := m.tearDown(ctx, r); err != nil {
			return err
		}
	}
	for _, name := range []string{launch.SocketFile, "live.json"} {
		if err := os.Remove(m.s.RunPath("c", id, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return m.s.Intent(id).Remove()
}

func (m *Manager) tearDown(ctx context.Context, r store.IntentRecord) error {
	var errs []error
	if m.hooks.CleanUp != nil {
		errs = append(errs, m.hooks.CleanUp(r))
	}
	for _, target := range slices.Backward(r.Mounts) {
		errs = append(errs, overlay.Unmount(target))
	}
	if m.hooks.Detach != nil {
		errs = append(errs, m.hooks.Detach(ctx, r.ID))
	}
	return errors.Join(errs...)
}
