// Package store is the disk under everything: where things lie, which layout
// version they have, the locks that keep processes apart, and the notice that
// something changed. Root survives reboots; Run does not, by design: it holds
// locks, sockets and the list of kernel objects that exist now.
//
// The store knows paths and locks, not images, containers or networks: those
// live in packages that import this one.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
)

// Options say where the store lies.
type Options struct {
	Root string // what is kept, default in the caller: /var/lib/gantry
	Run  string // what a reboot may lose: /run/gantry
}

// Store is an open store. It is safe for concurrent use, holds no descriptors
// and needs no closing. Any number of processes may have the same one open.
type Store struct {
	root, run string
	newer     error // not nil: made by a newer Gantry, nothing may be written
	bootID    func() string
}

// rootDirs and runDirs are made when a store is made. The last of runDirs tells
// that all are there.
var (
	rootDirs = []string{"blobs/sha256", "layers", "containers", "volumes", "networks", "tmp"}
	runDirs  = []string{"locks", "intents", "c", "changes"}
)

// Open opens the store at o.Root, making it when there is none. A store made by
// a newer Gantry is opened for reading only: nothing in it is changed.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(o.Root) || !filepath.IsAbs(o.Run) {
		return nil, fmt.Errorf("store paths %q and %q must be absolute: %w", o.Root, o.Run, ErrInvalid)
	}
	s := &Store{root: filepath.Clean(o.Root), run: filepath.Clean(o.Run), bootID: sync.OnceValue(readBootID)}
	version, err := readVersion(s.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, s.make()
	case err != nil:
		return nil, err
	case version > layoutVersion:
		s.newer = newerError{version}
		return s, nil
	}
	return s, s.heal()
}

// make lays out a new store. The version comes first, so that a root which has
// content but no version is known not to be ours.
func (s *Store) make() error {
	if err := Mkdir(s.root); err != nil {
		return err
	}
	if err := refuseForeign(s.root); err != nil {
		return err
	}
	if err := writeVersion(s.root); err != nil {
		return err
	}
	for _, dir := range rootDirs {
		if err := Mkdir(s.Path(dir)); err != nil {
			return err
		}
	}
	return s.heal()
}

// heal checks what a reboot, or a crash while the store was made, may have
// taken away. It is two system calls when all is well.
func (s *Store) heal() error {
	if err := private(s.root); err != nil {
		return err
	}
	if err := private(s.RunPath(runDirs[len(runDirs)-1])); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, dir := range rootDirs {
		if err := Mkdir(s.Path(dir)); err != nil {
			return err
		}
	}
	for _, dir := range runDirs {
		if err := Mkdir(s.RunPath(dir)); err != nil {
			return err
		}
	}
	return private(s.run)
}

// Root is the directory of what is kept.
func (s *Store) Root() string { return s.root }

// Run is the directory of what a reboot may lose.
func (s *Store) Run() string { return s.run }

// Path joins elem to Root.
func (s *Store) Path(elem ...string) string { return join(s.root, elem) }

// RunPath joins elem to Run.
func (s *Store) RunPath(elem ...string) string { return join(s.run, elem) }

// Tmp is where unfinished content lies, on the same file system as the rest of
// Root. See SweepTemp for who may leave what there.
func (s *Store) Tmp() string { return s.Path("tmp") }

// ReadOnly reports whether a newer Gantry made the store.
func (s *Store) ReadOnly() bool { return s.newer != nil }

// Writable returns nil, or why nothing may be written: an error that is
// ErrReadOnly. Everything that changes the store asks it first.
func (s *Store) Writable() error { return s.newer }

func join(base string, elem []string) string {
	return filepath.Join(append([]string{base}, elem...)...)
}
