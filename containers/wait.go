package containers

import (
	"context"
	"errors"

	"gantry/containers/attach"
	"gantry/store"
)

// exitUnknown is the exit code of a container nobody can ask any more.
const exitUnknown = 255

// Wait blocks until a container does not run, and returns its exit code. It
// also returns when the container is removed.
func (m *Manager) Wait(ctx context.Context, ref string) (int, error) {
	id, err := m.resolve(ref)
	if err != nil {
		return exitUnknown, err
	}
	return m.wait(ctx, id)
}

func (m *Manager) wait(ctx context.Context, id string) (int, error) {
	for {
		c, err := m.Get(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return exitUnknown, nil
		case err != nil:
			return exitUnknown, err
		case c.Damaged == "" && !claimsToRun(c.Record):
			return c.State.ExitCode, nil
		}
		code := exitUnknown
		err = m.ask(ctx, id, func(ctx context.Context, socket string) (err error) {
			code, err = attach.Wait(ctx, socket)
			return err
		})
		if err == nil || !ended(err) {
			return code, err
		}
		// The supervisor is on its way out, or dead: then the next look at the
		// record notes how the container ended.
		if err := m.awaitFree(ctx, id); err != nil {
			return exitUnknown, err
		}
		if c.Damaged != "" {
			return exitUnknown, nil
		}
	}
}

// Attach joins the main process or an exec session of a running container.
func (m *Manager) Attach(ctx context.Context, ref string, o attach.Options) (*attach.Session, error) {
	c, err := m.thawed(ctx, ref)
	if err != nil {
		return nil, err
	}
	return m.session(ctx, c, func(ctx context.Context, socket string) (*attach.Session, error) {
		return attach.Attach(ctx, socket, o)
	})
}

// Exec starts a process in a running container.
func (m *Manager) Exec(ctx context.Context, ref string, spec attach.ExecSpec) (*attach.Session, error) {
	c, err := m.thawed(ctx, ref)
	if err != nil {
		return nil, err
	}
	return m.session(ctx, c, func(ctx context.Context, socket string) (*attach.Session, error) {
		return attach.Exec(ctx, socket, spec)
	})
}

func (m *Manager) session(ctx context.Context, c Container, open func(context.Context, string) (*attach.Session, error)) (*attach.Session, error) {
	var s *attach.Session
	err := m.ask(ctx, c.ID, func(ctx context.Context, socket string) (err error) {
		s, err = open(ctx, socket)
		return err
	})
	if err != nil {
		return nil, m.unlessEnded(c, err)
	}
	return s, nil
}

// Sessions lists the processes of a running container that can be attached to.
func (m *Manager) Sessions(ctx context.Context, ref string) ([]attach.Info, error) {
	c, err := m.running(ctx, ref)
	if err != nil {
		return nil, err
	}
	var all []attach.Info
	err = m.ask(ctx, c.ID, func(ctx context.Context, socket string) (err error) {
		all, err = attach.List(ctx, socket)
		return err
	})
	if err != nil {
		return nil, m.unlessEnded(c, err)
	}
	return all, nil
}

// thawed finds a container that runs and is not paused.
func (m *Manager) thawed(ctx context.Context, ref string) (Container, error) {
	c, err := m.running(ctx, ref)
	if err == nil && c.State.Status == Paused {
		return c, sayf(store.ErrInUse, "container %s is paused, unpause it first", display(c))
	}
	return c, err
}
