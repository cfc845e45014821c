// Package record keeps one JSON file per object: a container, a network, a
// volume. Files are replaced whole under a lock per object, so readers need no
// lock, no writer blocks the readers of another object, and a damaged file
// costs that object alone. There is no other index: the directory is the list.
package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gantry/internal/atomicfile"
	"gantry/store"
)

// Layout says where the record of an object lies below the directory of its
// kind.
type Layout int

const (
	// PerDir is <kind>/<id>/record.json, for objects with a directory.
	PerDir Layout = iota
	// PerFile is <kind>/<id>.json.
	PerFile
)

const (
	perDirName   = "record.json"
	perFileExt   = ".json"
	maxSizeBytes = 16 << 20
)

// Dir holds the records of one kind.
type Dir[T any] struct {
	s      *store.Store
	kind   string
	layout Layout
}

// Open returns the records of a kind. It touches nothing on disk.
func Open[T any](s *store.Store, kind string, layout Layout) *Dir[T] {
	return &Dir[T]{s, kind, layout}
}

// Get reads one record. The error is ErrNotFound when there is none and
// ErrDamaged when it cannot be read.
func (d *Dir[T]) Get(id string) (T, error) {
	var v T
	if err := store.CheckID(id); err != nil {
		return v, err
	}
	return v, d.load(id, &v)
}

func (d *Dir[T]) load(id string, v *T) error {
	data, err := readLimited(d.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("reading the record of %s: %w", id, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("the record of %s is %w: %s", id, store.ErrDamaged, what(data, err))
	}
	return nil
}

// what says in a person's words why data is no record.
func what(data []byte, err error) string {
	var syntax *json.SyntaxError
	switch {
	case len(data) == 0:
		return "the file is empty"
	case len(bytes.Trim(data, "\x00")) == 0:
		return fmt.Sprintf("the file holds %d NUL bytes", len(data))
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		return fmt.Sprintf("the file ends early, after %d bytes", len(data))
	default:
		return err.Error()
	}
}

// readLimited reads a regular file; a record is never so large or so special
// that reading it could hang or eat the memory.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxSizeBytes {
		return nil, fmt.Errorf("%s (%v, %d bytes) is no record: %w", path, fi.Mode().Type(), fi.Size(), store.ErrDamaged)
	}
	data := make([]byte, fi.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// Create stores a new record, making the object's directory if it has one. The
// error is ErrExists when there is a record already, even a damaged one.
func (d *Dir[T]) Create(ctx context.Context, id string, v T) error {
	return d.CreateWith(ctx, id, atomicfile.PowerCut, v)
}

// CreateWith is Create for a record that need not survive a power cut.
func (d *Dir[T]) CreateWith(ctx context.Context, id string, durability atomicfile.Durability, v T) error {
	return d.locked(ctx, id, func() error {
		if _, err := os.Lstat(d.path(id)); err == nil {
			return fmt.Errorf("%s: %w", id, store.ErrExists)
		}
		if err := store.Mkdir(filepath.Dir(d.path(id))); err != nil {
			return err
		}
		return d.write(id, v, durability)
	})
}

// Update loads a record, applies fn and replaces it, keeping other processes
// out meanwhile. Nothing is written when fn fails. The result is the record as
// stored.
func (d *Dir[T]) Update(ctx context.Context, id string, fn func(*T) error) (T, error) {
	return d.UpdateWith(ctx, id, atomicfile.PowerCut, fn)
}

// UpdateWith is Update for a change that need not survive a power cut.
func (d *Dir[T]) UpdateWith(ctx context.Context, id string, durability atomicfile.Durability, fn func(*T) error) (T, error) {
	var v T
	err := d.locked(ctx, id, func() error {
		if err := d.load(id, &v); err != nil {
			return err
		}
		if err := fn(&v); err != nil {
			return err
		}
		return d.write(id, v, durability)
	})
	return v, err
}

// Delete removes a record, damaged or not, and the directory of the object,
// which must otherwise be empty. Deleting what is gone is no error.
func (d *Dir[T]) Delete(ctx context.Context, id string) error {
	if err := store.CheckID(id); err != nil {
		return err
	}
	l, err := d.s.Lock(ctx, d.kind, id)
	if err != nil {
		return err
	}
	defer l.Unlock()
	if err := remove(d.path(id)); err != nil {
		return err
	}
	if d.layout == PerDir {
		if err := remove(filepath.Dir(d.path(id))); err != nil {
			return err
		}
	}
	d.s.DropLock(d.kind, id, l)
	d.s.Changed(d.kind)
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *Dir[T]) locked(ctx context.Context, id string, fn func() error) error {
	if err := store.CheckID(id); err != nil {
		return err
	}
	l, err := d.s.Lock(ctx, d.kind, id)
	if err != nil {
		return err
	}
	defer l.Unlock()
	return fn()
}

func (d *Dir[T]) write(id string, v T, durability atomicfile.Durability) error {
	if err := atomicfile.WriteJSON(d.path(id), v, 0o600, durability); err != nil {
		return fmt.Errorf("writing the record of %s: %w", id, err)
	}
	d.s.Changed(d.kind)
	return nil
}

func (d *Dir[T]) path(id string) string {
	if d.layout == PerDir {
		return d.s.Path(d.kind, id, perDirName)
	}
	return d.s.Path(d.kind, id+perFileExt)
}

// id returns the object a directory entry belongs to, or "".
func (d *Dir[T]) id(e fs.DirEntry) string {
	name := e.Name()
	if d.layout == PerFile {
		var found bool
		if name, found = strings.CutSuffix(name, perFileExt); !found {
			return ""
		}
	} else if !e.IsDir() {
		return ""
	}
	if store.CheckID(name) != nil {
		return ""
	}
	return name
}
