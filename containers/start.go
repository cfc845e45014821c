package containers

import (
	"context"
	"errors"
	"time"

	"gantry/containers/attach"
	"gantry/containers/launch"
	"gantry/internal/flock"
	"gantry/store"
)

// StartInput is what the engine knows and a record does not.
type StartInput struct {
	Lowers     []string          // layers of the root file system, top first
	Volumes    map[string]string // sources of volume mounts, by volume name
	Network    launch.Network
	Cols, Rows uint16        // first size of the terminal; 0: 80×24
	Attach     bool          // return a session that misses no output
	Stdin      bool          // and that types
	Env        []string      // of the supervisor; nil: only what it needs
	Spare      *launch.Spare // becomes the supervisor; nil: none is prepared
}

// Start starts a container, and is done when the user's process runs. Starting
// one that runs is no error. With in.Attach the session misses no output; it is
// nil otherwise. A container that is removed when it ends is also removed when
// it cannot start.
func (m *Manager) Start(ctx context.Context, ref string, in StartInput) (*attach.Session, error) {
	id, err := m.resolve(ref)
	if err != nil {
		return nil, err
	}
	for {
		s, err := m.start(ctx, id, in)
		if !errors.Is(err, errTidying) {
			return s, err
		}
		// No lock is held meanwhile: the supervisor may need them to end.
		if err := m.awaitSettled(ctx, id); err != nil && !errors.Is(err, errTidying) {
			return nil, err
		}
	}
}

// errTidying says that a supervisor lives whose container does not claim to
// run: it is tidying up, or was started by a caller that is gone and is not
// ready yet. Only the record tells which, a little later.
var errTidying = errors.New("its supervisor is tidying up")

func (m *Manager) start(ctx context.Context, id string, in StartInput) (*attach.Session, error) {
	life, err := m.life(ctx, id)
	if err != nil {
		return nil, err
	}
	defer life.Unlock()
	lock, err := m.claimRun(id)
	if err != nil && !errors.Is(err, store.ErrLocked) {
		return nil, err
	}
	defer lock.Unlock() // the supervisor has the same lock by then, if all went well
	c, err := m.startable(id)
	switch {
	case errors.Is(err, store.ErrNotFound): // removed while we waited
		return nil, errors.Join(err, m.eraseLocked(ctx, id, life, false))
	case err != nil:
		return nil, err
	case lock == nil && claimsToRun(c.Record):
		return m.joinRunning(ctx, c, in)
	case lock == nil:
		return nil, errTidying
	case claimsToRun(c.Record):
		err = m.finish(ctx, c.Record)
	default:
		err = m.clear(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	s, err := launch.Supervisor(ctx, m.launchInput(id, lock, in))
	if err != nil {
		lock.Unlock() // what is left of it is the supervisor's
		return nil, errors.Join(err, m.failed(context.WithoutCancel(ctx), c.Record, err))
	}
	return s, nil
}

func (m *Manager) launchInput(id string, lock *flock.Lock, in StartInput) launch.Input {
	return launch.Input{
		ID: id, RunDir: m.RunDir(id), Lock: lock, Attach: in.Attach, Stdin: in.Stdin, Env: in.Env, Spare: in.Spare,
		Start: launch.Start{
			Root: m.s.Root(), Run: m.s.Run(), Lowers: in.Lowers, Volumes: in.Volumes, Network: in.Network,
			Cols: in.Cols, Rows: in.Rows,
		},
	}
}

// startable reads a record that may be started.
func (m *Manager) startable(id string) (Container, error) {
	r, err := m.read(id)
	c := Container{Record: r}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c, notFound(short(id))
	case err != nil:
		return c, err
	case r.State.Status == Removing || r.State.Status == Dead:
		return c, sayf(store.ErrInUse, "container %s is marked for removal and cannot be started", display(c))
	}
	return c, nil
}

func (m *Manager) joinRunning(ctx context.Context, c Container, in StartInput) (*attach.Session, error) {
	if c.State.Status == Paused {
		return nil, sayf(store.ErrInUse, "cannot start a paused container, try unpause instead")
	}
	if !in.Attach {
		return nil, nil
	}
	return attach.Attach(ctx, m.Socket(c.ID), attach.Options{
		NoStdin: !in.Stdin, Cols: in.Cols, Rows: in.Rows,
	})
}

// exitUnstartable is the exit code of a start that failed for a reason which
// has no code of its own.
const exitUnstartable = 128

// failed notes that a container could not start. Precondition: the caller holds
// the life lock.
func (m *Manager) failed(ctx context.Context, r Record, cause error) error {
	// The supervisor may not be quite dead.
	if err := m.awaitFree(ctx, r.ID); err != nil {
		return err
	}
	lock, err := m.keepFree(r.ID)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if r.Host.AutoRemove {
		return m.erase(ctx, r.ID, false)
	}
	_, err = m.Update(ctx, r.ID, func(r *Record) error {
		code := exitUnstartable
		var said *launch.StartError
		if errors.As(cause, &said) && said.Code != 0 {
			code = said.Code
		}
		if claimsToRun(*r) {
			r.ended(Exited, code, now())
		}
		r.State.ExitCode, r.State.Error = code, cause.Error()
		return nil
	})
	return errors.Join(err, m.clear(ctx, r.ID))
}

// ended notes that a container does not run any more.
func (r *Record) ended(status Status, code int, at time.Time) {
	s := &r.State
	s.Status, s.ExitCode, s.FinishedAt = status, code, at
	s.Pid, s.IPAddress, s.Gateway, s.MacAddress, s.Ports = 0, "", "", "", nil
}
