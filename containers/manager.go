package containers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"gantry/containers/launch"
	"gantry/internal/atomicfile"
	"gantry/internal/flock"
	"gantry/store"
	"gantry/store/record"
)

// Manager moves containers through their lives. It is safe for concurrent use,
// by any number of processes.
//
// Three locks guard a container, always taken in this order:
//
//	life        held while it is created, started or removed; never while
//	            waiting for it to end
//	supervisor  $RUN/c/<id>/lock, held by the supervisor for as long as the
//	            container runs; shared by whoever cleans up after one
//	record      held by record.Dir around each change of the record
//
// The lock on the names is taken last of all, and nothing waits under it.
type Manager struct {
	s       *store.Store
	records *record.Dir[Record]
	hooks   Hooks
}

// Hooks take away what is left of a container whose supervisor died. Each may
// be nil in a process that has no use for it.
type Hooks struct {
	// CleanUp kills what is left of a container and removes its cgroups and
	// runtime state. It may be repeated.
	CleanUp func(r store.IntentRecord) error
	// Detach frees a container's address and rules. It may be repeated.
	Detach func(ctx context.Context, id string) error
}

// New returns the manager of the containers in s. It touches nothing on disk.
func New(s *store.Store, hooks Hooks) *Manager {
	return &Manager{s: s, records: record.Open[Record](s, store.Containers, record.PerDir), hooks: hooks}
}

// Dir is where a container's files lie: upper, work, log and the files mounted
// into it.
func (m *Manager) Dir(id string) string { return m.s.Path(store.Containers, id) }

// LogDir is where a container's log lies.
func (m *Manager) LogDir(id string) string { return m.s.Path(store.Containers, id, "log") }

// RunDir is where the running part of a container lies.
func (m *Manager) RunDir(id string) string { return m.s.RunPath("c", id) }

// Socket is where a container's supervisor listens.
func (m *Manager) Socket(id string) string { return m.s.RunPath("c", id, launch.SocketFile) }

func (m *Manager) lockPath(id string) string { return m.s.RunPath("c", id, "lock") }

// read reads a record; one that belongs to another container is damaged.
func (m *Manager) read(id string) (Record, error) {
	r, err := m.records.Get(id)
	if err == nil && r.ID != id {
		return Record{}, fmt.Errorf("the record of %s is %w: it is that of %q", id, store.ErrDamaged, short(r.ID))
	}
	return r, err
}

// Update changes a container's record: the supervisor's way to note what
// became of it. A record that goes with its container is not flushed to disk.
func (m *Manager) Update(ctx context.Context, id string, fn func(*Record) error) (Record, error) {
	d := atomicfile.PowerCut
	if r, err := m.read(id); err == nil && r.Host.AutoRemove {
		d = atomicfile.Crash
	}
	return m.records.UpdateWith(ctx, id, d, fn)
}

// life takes the lock on a container's creation, start and removal.
func (m *Manager) life(ctx context.Context, id string) (*flock.Lock, error) {
	return m.s.Lock(ctx, lifeLocks, id)
}

const lifeLocks = "life"

// supervised reports whether a container's supervisor lives.
func (m *Manager) supervised(id string) (bool, error) { return flock.Held(m.lockPath(id)) }

// claimRun takes the supervisor lock for a supervisor about to be started. The
// error is store.ErrLocked when there is one. Precondition: the caller holds the
// life lock.
func (m *Manager) claimRun(id string) (*flock.Lock, error) {
	for {
		l, err := m.tryLock(id, flock.Exclusive)
		if !errors.Is(err, store.ErrLocked) {
			return l, err
		}
		// A look at the lock by a listing process also keeps us out, for a
		// moment. Only a supervisor keeps listings out too.
		if held, heldErr := m.supervised(id); held || heldErr != nil {
			return nil, errors.Join(err, heldErr)
		}
	}
}

// keepFree keeps supervisors away from a container that has none, without being
// taken for one. The error is store.ErrLocked when there is one. Precondition:
// the caller holds the life lock.
func (m *Manager) keepFree(id string) (*flock.Lock, error) { return m.tryLock(id, flock.Shared) }

func (m *Manager) tryLock(id string, mode flock.Mode) (*flock.Lock, error) {
	if err := store.Mkdir(m.RunDir(id)); err != nil {
		return nil, err
	}
	l, err := flock.Try(m.lockPath(id), mode)
	if errors.Is(err, flock.ErrLocked) {
		return nil, fmt.Errorf("container %s: %w", short(id), store.ErrLocked)
	}
	return l, err
}

// awaitFree waits until a container's supervisor is gone.
func (m *Manager) awaitFree(ctx context.Context, id string) error {
	l, err := flock.Acquire(ctx, m.lockPath(id), flock.Shared)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // and so is all the rest
	}
	l.Unlock()
	return err
}

// settling is how long a record is believed that does not explain why its
// supervisor lives.
const settling = 100 * time.Millisecond

// awaitSettled waits until a container's supervisor is gone. The error is
// errTidying when it is not for a while: then the record has to be read again.
func (m *Manager) awaitSettled(ctx context.Context, id string) error {
	short, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	err := m.awaitFree(short, id)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return errTidying
	}
	return err
}

// now is the time to note in a record.
func now() time.Time { return time.Now().UTC() }

// short is an ID as people see it.
func short(id string) string { return id[:min(12, len(id))] }
