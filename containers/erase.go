package containers

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"gantry/internal/flock"
	"gantry/store"
	"gantry/store/overlay"
)

// RemoveOptions say what may be removed.
type RemoveOptions struct {
	Force   bool // kill it first
	Volumes bool // and its anonymous volumes
}

// Remove deletes a container with its writable layer and log. It finishes what
// an earlier removal left when it crashed.
func (m *Manager) Remove(ctx context.Context, ref string, o RemoveOptions) error {
	id, err := m.resolve(ref)
	if err != nil {
		return err
	}
	for {
		c, err := m.Get(ctx, id)
		if err != nil {
			return err
		}
		err = m.quiet(ctx, c, o.Force)
		if err == nil {
			err = m.eraseUnsupervised(ctx, id, o.Volumes)
		}
		if !errors.Is(err, errTidying) && !errors.Is(err, store.ErrLocked) {
			return err
		}
		// Its state moves: somebody started it, or it has not settled yet.
	}
}

// quiet makes sure that a container does not run and that its supervisor has
// left. No lock is held meanwhile: the supervisor may need them to end.
func (m *Manager) quiet(ctx context.Context, c Container, force bool) error {
	held, err := m.supervised(c.ID)
	if err != nil || !held {
		return err
	}
	// A supervisor of a container that has ended is tidying up; of a damaged
	// one nobody knows.
	if claimsToRun(c.Record) || c.Damaged != "" {
		if !force {
			return sayf(store.ErrInUse, "cannot remove container \"/%s\": container is %s: "+
				"stop the container before removing or force remove", display(c), runningOrPaused(c))
		}
		if err := m.markStopped(ctx, c.ID); err != nil && c.Damaged == "" {
			return gone(err)
		}
		if err := m.kill(ctx, c); err != nil && !ended(err) {
			return err
		}
	}
	return m.awaitSettled(ctx, c.ID)
}

func runningOrPaused(c Container) Status {
	if c.State.Status == Paused {
		return Paused
	}
	return Running
}

// eraseUnsupervised erases a container; the error is ErrLocked when it runs.
func (m *Manager) eraseUnsupervised(ctx context.Context, id string, volumes bool) error {
	life, err := m.life(ctx, id)
	if err != nil {
		return err
	}
	defer life.Unlock()
	lock, err := m.keepFree(id)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return m.eraseLocked(ctx, id, life, volumes)
}

// Erase removes everything of a container that has ended: for a supervisor
// whose container goes with it. Precondition: the caller holds the supervisor
// lock. Erasing what is gone is no error.
func (m *Manager) Erase(ctx context.Context, id string) error {
	life, err := m.life(ctx, id)
	if err != nil {
		return err
	}
	defer life.Unlock()
	return m.eraseLocked(ctx, id, life, false)
}

func (m *Manager) eraseLocked(ctx context.Context, id string, life *flock.Lock, volumes bool) error {
	if err := m.erase(ctx, id, volumes); err != nil {
		return err
	}
	m.s.DropLock(lifeLocks, id, life)
	return nil
}

// erase works in an order that a crash may cut anywhere: as long as the record
// is there the removal can be repeated by name, and after that only a claim is
// left, which does not count without a record. With volumes, or when it goes by
// itself, its anonymous volumes go too. Precondition: the caller holds the
// life and supervisor locks.
func (m *Manager) erase(ctx context.Context, id string, volumes bool) error {
	names := m.claims(id)
	r, err := m.markRemoving(ctx, id)
	if err != nil {
		return err
	}
	if err := m.clear(ctx, id); err != nil {
		return err
	}
	if err := m.removeData(id); err != nil {
		return err
	}
	if err := m.removeRunDir(id); err != nil {
		return err
	}
	if err := m.records.Delete(ctx, id); err != nil {
		return err
	}
	var errs []error
	if volumes || r.Host.AutoRemove {
		errs = append(errs, m.removeVolumes(ctx, r))
	}
	for _, name := range names {
		errs = append(errs, m.release(ctx, name, id))
	}
	return errors.Join(errs...)
}

// markRemoving notes that a removal began, so that whoever finds it cut short
// finishes it. Of one that is removed when it ends, "running" without a
// supervisor says the same.
func (m *Manager) markRemoving(ctx context.Context, id string) (Record, error) {
	if r, err := m.read(id); err == nil && r.Host.AutoRemove && claimsToRun(r) {
		return r, nil
	}
	r, err := m.Update(ctx, id, func(r *Record) error { r.State.Status = Removing; return nil })
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
		err = nil
	}
	return r, err
}

// removeData removes all of a container's directory but the record.
func (m *Manager) removeData(id string) error {
	entries, err := os.ReadDir(m.Dir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "record.json" {
			continue
		}
		if err := os.RemoveAll(m.s.Path(store.Containers, id, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// removeRunDir removes the running part. What is still mounted there, in the
// mount namespace of this process, is let go first: never removed through.
func (m *Manager) removeRunDir(id string) error {
	entries, err := os.ReadDir(m.RunDir(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := overlay.Unmount(m.s.RunPath("c", id, e.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(m.RunDir(id))
}
