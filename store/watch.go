package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// Change says that objects of a kind changed, not which or how: read them
// again.
type Change struct{ Kind string }

// Kinds of objects that announce their changes.
const (
	Images     = "images"
	Containers = "containers"
	Networks   = "networks"
	Volumes    = "volumes"
)

var kinds = []string{Images, Containers, Networks, Volumes}

// Changed tells all watchers, in any process, to read the objects of a kind
// again. Call it after the change is visible. It cannot fail in a way a caller
// could mend: watchers also read again when asked to by a person.
func (s *Store) Changed(kind string) {
	if s.ReadOnly() || CheckID(kind) != nil {
		return
	}
	f, err := os.OpenFile(s.RunPath("changes", kind), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	// Overwriting one byte is one IN_MODIFY event and never fills the disk.
	_, _ = f.WriteAt([]byte{'\n'}, 0)
	_ = f.Close()
}

// Watch reports changes made by any process, this one included, until ctx is
// done; then the channel is closed. Changes that nobody has read yet are folded
// into one per kind.
func (s *Store) Watch(ctx context.Context) (<-chan Change, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	// A newer store may keep its notices elsewhere: then there are none.
	err = w.Add(s.RunPath("changes"))
	if err != nil && !(s.ReadOnly() && errors.Is(err, fs.ErrNotExist)) {
		return nil, errors.Join(err, w.Close())
	}
	out := make(chan Change)
	go forward(ctx, w, out)
	return out, nil
}

// forward owns the watcher and out, and ends with ctx.
func forward(ctx context.Context, w *fsnotify.Watcher, out chan<- Change) {
	defer close(out)
	defer w.Close()
	var pending []string
	for {
		var send chan<- Change // nil, and so never ready, while nothing is pending
		var next Change
		if len(pending) > 0 {
			send, next.Kind = out, pending[0]
		}
		select {
		case <-ctx.Done():
			return
		case send <- next:
			pending = pending[1:]
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if e.Has(fsnotify.Write) {
				pending = add(pending, filepath.Base(e.Name))
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
			// The kernel's queue overflowed: anything may have changed.
			for _, kind := range kinds {
				pending = add(pending, kind)
			}
		}
	}
}

func add(pending []string, kind string) []string {
	if slices.Contains(pending, kind) {
		return pending
	}
	return append(pending, kind)
}
