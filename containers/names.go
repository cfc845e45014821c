package containers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gantry/internal/termsafe"
	"gantry/store"
)

// A name is claimed by a symbolic link containers/.names/<name> → <id>. A link
// is made and read whole, so a claim is never half written. It counts while the
// container has that name in its record, or is being made or renamed. Any other
// claim was left by a crash and may be taken over.

func (m *Manager) claimPath(name string) string {
	return m.s.Path(store.Containers, ".names", name)
}

// checkName accepts the names Docker accepts.
func checkName(name string) error {
	if len(name) < 2 || store.CheckID(name) != nil {
		return sayf(store.ErrInvalid,
			"invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, two or more", termsafe.Line(name))
	}
	return nil
}

// claim makes name lead to id, or says who has it. Precondition: the caller
// holds the life lock of id, and holds it until the record has the name.
func (m *Manager) claim(ctx context.Context, name, id string) error {
	l, err := m.s.Lock(ctx, "names", store.Containers)
	if err != nil {
		return err
	}
	defer l.Unlock()
	path := m.claimPath(name)
	if owner, err := os.Readlink(path); err == nil && owner != id {
		if m.owns(owner, name) {
			return sayf(store.ErrExists, "Conflict. The container name \"/%s\" is already in use by container %q. "+
				"You have to remove (or rename) that container to be able to reuse that name.", name, owner)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	err = os.Symlink(id, path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := store.Mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Symlink(id, path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // ours already, from a rename that crashed
	}
	return err
}

// owns reports whether a claim counts.
func (m *Manager) owns(id, name string) bool {
	if store.CheckID(id) != nil {
		return false
	}
	if m.hasName(id, name) {
		return true
	}
	l, err := m.s.TryLock(lifeLocks, id)
	if err != nil {
		return true // it is being made, renamed or removed
	}
	defer l.Unlock()
	return m.hasName(id, name)
}

// hasName reports whether the record of id has the name. A damaged record might
// have it.
func (m *Manager) hasName(id, name string) bool {
	r, err := m.read(id)
	if err != nil {
		return !errors.Is(err, store.ErrNotFound)
	}
	return r.Name == name
}

// release gives name up, if it still leads to id.
func (m *Manager) release(ctx context.Context, name, id string) error {
	if name == "" {
		return nil
	}
	l, err := m.s.Lock(ctx, "names", store.Containers)
	if err != nil {
		return err
	}
	defer l.Unlock()
	if owner, err := os.Readlink(m.claimPath(name)); err != nil || owner != id {
		return nil
	}
	return os.Remove(m.claimPath(name))
}

// claims lists the names that lead to id, whether or not they count.
func (m *Manager) claims(id string) []string {
	entries, err := os.ReadDir(m.s.Path(store.Containers, ".names"))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if owner, err := os.Readlink(m.claimPath(e.Name())); err == nil && owner == id {
			names = append(names, e.Name())
		}
	}
	return names
}

// Rename gives a container another name, usable at once.
func (m *Manager) Rename(ctx context.Context, ref, name string) error {
	name = strings.TrimPrefix(name, "/")
	if err := checkName(name); err != nil {
		return err
	}
	id, err := m.resolve(ref)
	if err != nil {
		return err
	}
	l, err := m.life(ctx, id)
	if err != nil {
		return err
	}
	defer l.Unlock()
	r, err := m.read(id)
	if errors.Is(err, store.ErrNotFound) {
		return notFound(ref)
	}
	if err != nil {
		return err
	}
	if r.Name == name {
		return fmt.Errorf("renaming a container with the same name as its current name: %w", store.ErrInvalid)
	}
	if err := m.claim(ctx, name, id); err != nil {
		return err
	}
	if _, err := m.Update(ctx, id, func(r *Record) error { r.Name = name; return nil }); err != nil {
		return errors.Join(err, m.release(ctx, name, id))
	}
	return m.release(ctx, r.Name, id)
}
