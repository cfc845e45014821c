// Package flock wraps flock(2) advisory locks on files. A lock belongs to an
// open file description: the kernel frees it when its last descriptor closes,
// whatever way the process ended, so a held lock proves a live holder. Lock
// files are never deleted while others may wait on them.
package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked is returned by the Try functions when another holder is in the way.
var ErrLocked = errors.New("locked by another process")

// Mode is shared or exclusive.
type Mode int

// Modes of a lock, as in flock(2).
const (
	Shared    Mode = unix.LOCK_SH
	Exclusive Mode = unix.LOCK_EX
)

// Lock is a held lock.
type Lock struct{ f *os.File }

// Try takes the lock on path, creating the file when absent, or returns an
// error that is ErrLocked when it is held elsewhere. The file is open for
// writing only under an exclusive lock: who watches it for being closed by a
// writer learns of the end of those, and of no other.
func Try(path string, mode Mode) (*Lock, error) {
	access := os.O_RDWR
	if mode == Shared {
		access = os.O_RDONLY
	}
	f, err := os.OpenFile(path, access|os.O_CREATE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := TryFile(f, mode); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// TryFile takes the lock on an open file; see Try.
func TryFile(f *os.File, mode Mode) error {
	for {
		err := unix.Flock(int(f.Fd()), int(mode)|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("%s: %w", f.Name(), ErrLocked)
		default:
			return fmt.Errorf("locking %s: %w", f.Name(), err)
		}
	}
}

// Acquire waits for the lock on path until ctx is done. The wait grows from
// 1 ms to 50 ms between attempts: flock(2) itself cannot be interrupted by a
// context.
func Acquire(ctx context.Context, path string, mode Mode) (*Lock, error) {
	wait := time.Millisecond
	for {
		l, err := Try(path, mode)
		if err == nil || !errors.Is(err, ErrLocked) {
			return l, err
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, fmt.Errorf("waiting for %s: %w", path, ctx.Err())
		case <-t.C:
		}
		if wait *= 2; wait > 50*time.Millisecond {
			wait = 50 * time.Millisecond
		}
	}
}

// Held reports whether some process holds path exclusively. A missing file is
// not held.
func Held(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = TryFile(f, Shared)
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	return false, err
}

// File is the locked file, for passing the lock to a child process.
func (l *Lock) File() *os.File { return l.f }

// Unlock releases the lock. It is safe to call twice.
func (l *Lock) Unlock() {
	if l == nil || l.f == nil {
		return
	}
	_ = l.f.Close()
	l.f = nil
}
