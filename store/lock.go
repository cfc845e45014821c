package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gantry/internal/flock"
)

// Locks are taken in this order and never upwards: store (Use, Exclusive), one
// container, the names of containers, one layer or blob, refs, addresses. See
// the flock package for why a lock outlives no holder.

// Use holds the store against Exclusive. Whoever makes something that refers
// to something else, say a container to layers, holds it from before the first
// look until the reference is written.
func (s *Store) Use(ctx context.Context) (release func(), err error) {
	return s.whole(ctx, flock.Shared)
}

// Exclusive waits until nobody uses the store and keeps it so. It is for
// removing what nothing refers to, and for nothing else.
func (s *Store) Exclusive(ctx context.Context) (release func(), err error) {
	return s.whole(ctx, flock.Exclusive)
}

func (s *Store) whole(ctx context.Context, mode flock.Mode) (func(), error) {
	if err := s.Writable(); err != nil {
		return nil, err
	}
	l, err := flock.Acquire(ctx, s.storeLock(), mode)
	if err != nil {
		return nil, err
	}
	return l.Unlock, nil
}

func (s *Store) storeLock() string { return s.RunPath("locks", "store.lock") }

// Lock waits for the exclusive lock on one object until ctx is done. A key may
// be a digest.
func (s *Store) Lock(ctx context.Context, kind, key string) (*flock.Lock, error) {
	return s.lock(kind, key, func(path string) (*flock.Lock, error) {
		return flock.Acquire(ctx, path, flock.Exclusive)
	})
}

// TryLock takes the lock on one object, or returns an error that is ErrLocked.
func (s *Store) TryLock(kind, key string) (*flock.Lock, error) {
	l, err := s.lock(kind, key, func(path string) (*flock.Lock, error) {
		return flock.Try(path, flock.Exclusive)
	})
	if errors.Is(err, flock.ErrLocked) {
		return nil, fmt.Errorf("%s %s: %w", kind, key, ErrLocked)
	}
	return l, err
}

func (s *Store) lock(kind, key string, take func(path string) (*flock.Lock, error)) (*flock.Lock, error) {
	path, err := s.lockPath(kind, key)
	if err != nil {
		return nil, err
	}
	for {
		l, err := take(path)
		if errors.Is(err, fs.ErrNotExist) {
			if err := Mkdir(filepath.Dir(path)); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if same(l.File(), path) {
			return l, nil
		}
		// The object went away while we waited, and its lock file with it.
		l.Unlock()
	}
}

// DropLock removes the file of a lock the caller holds, then releases it: for
// objects that are gone for good. Whoever waits for it starts over.
func (s *Store) DropLock(kind, key string, held *flock.Lock) {
	if path, err := s.lockPath(kind, key); err == nil {
		_ = os.Remove(path)
	}
	held.Unlock()
}

func (s *Store) lockPath(kind, key string) (string, error) {
	if err := s.Writable(); err != nil {
		return "", err
	}
	if err := CheckID(kind); err != nil {
		return "", err
	}
	if err := checkName(key, "_.:+-"); err != nil {
		return "", err
	}
	return s.RunPath("locks", kind, key+".lock"), nil
}

// same reports whether path still names the open file f.
func same(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}
