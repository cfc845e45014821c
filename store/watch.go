package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
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

// Watch reports changes made by any process, this one included, and the end of
// any container's supervisor, until ctx is done; then the channel is closed.
// Changes that nobody has read yet are folded into one per kind.
func (s *Store) Watch(ctx context.Context) (<-chan Change, error) {
	out := make(chan Change)
	n, err := watchNotices(s)
	switch {
	case s.ReadOnly() && errors.Is(err, fs.ErrNotExist):
		// A newer store may keep its notices elsewhere: then there are none.
		context.AfterFunc(ctx, func() { close(out) })
		return out, nil
	case err != nil:
		return nil, err
	}
	changed := make(chan string)
	context.AfterFunc(ctx, func() { _ = n.f.Close() })
	go n.read(ctx, changed)
	go forward(changed, out, ctx.Done())
	return out, nil
}

// forward folds what is changed until nothing more comes, then closes out.
func forward(changed <-chan string, out chan<- Change, done <-chan struct{}) {
	defer close(out)
	var pending []string
	for {
		var send chan<- Change // nil, and so never ready, while nothing is pending
		var next Change
		if len(pending) > 0 {
			send, next.Kind = out, pending[0]
		}
		select {
		case <-done:
			return
		case send <- next:
			pending = pending[1:]
		case kind, ok := <-changed:
			if !ok {
				return
			}
			pending = add(pending, kind)
		}
	}
}

func add(pending []string, kind string) []string {
	if slices.Contains(pending, kind) {
		return pending
	}
	return append(pending, kind)
}
