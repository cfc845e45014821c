package record

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"gantry/store"
)

// Entry is one record of a list. With Err set, which is mostly ErrDamaged, only
// ID means anything.
type Entry[T any] struct {
	ID    string
	Value T
	Err   error
}

// List reads all records, ordered by ID. One that cannot be read is listed with
// its error and does not fail the list.
func (d *Dir[T]) List(ctx context.Context) ([]Entry[T], error) {
	entries, err := os.ReadDir(d.s.Path(d.kind))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := make([]Entry[T], 0, len(entries))
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id := d.id(e)
		if id == "" {
			continue
		}
		entry := Entry[T]{ID: id}
		entry.Err = d.load(id, &entry.Value)
		if errors.Is(entry.Err, store.ErrNotFound) {
			continue // half created, half deleted, or just gone
		}
		all = append(all, entry)
	}
	return all, nil
}

// IDs names all objects that have a record or a directory, in order: also what
// a crash left half created or half deleted.
func (d *Dir[T]) IDs() ([]string, error) {
	entries, err := os.ReadDir(d.s.Path(d.kind))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		if id := d.id(e); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, err
}
