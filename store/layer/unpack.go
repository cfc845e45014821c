package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/internal/atomicfile"
	"gantry/internal/flock"
	"gantry/store"
)

// Unpack is a layer being made, out of sight until Commit. Its owner holds the
// layer's lock, here and in other processes, until Close.
type Unpack struct {
	s        *Store
	id       digest.Digest
	lock     *flock.Lock
	tmp      string   // the layer-to-be
	held     *os.File // tmp, flocked so that no sweep takes it
	existing *Layer
	damaged  bool // Commit replaces a damaged layer
	sum      digest.Digest
	meta     meta
}

// Begin takes the layer's lock, waiting for another process that unpacks it.
// When the layer is there by then, Existing says so and there is nothing to
// unpack. A damaged layer counts as absent and is replaced by Commit.
func (s *Store) Begin(ctx context.Context, id digest.Digest) (*Unpack, error) {
	hex, err := hexOf(id)
	if err != nil {
		return nil, err
	}
	if err := s.root.Writable(); err != nil {
		return nil, fmt.Errorf("unpacking layer %s: %w", id, err)
	}
	lock, err := s.root.Lock(ctx, lockKind, hex)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", id, err)
	}
	u := &Unpack{s: s, id: id, lock: lock}
	if err := u.begin(ctx, hex); err != nil {
		return nil, errors.Join(fmt.Errorf("layer %s: %w", id, err), u.Close())
	}
	return u, nil
}

func (u *Unpack) begin(ctx context.Context, hex string) error {
	m, err := u.s.load(ctx, u.id)
	switch {
	case err == nil:
		l := u.s.layer(m)
		u.existing = &l
		return nil
	case errors.Is(err, store.ErrDamaged):
		u.damaged = true
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	u.tmp = filepath.Join(u.s.root.Tmp(), tmpPrefix+hex)
	u.held, err = makeTemp(u.tmp)
	return err
}

// makeTemp makes a directory for a layer-to-be in place of what a killed
// process left there. The caller holds the layer's lock.
func makeTemp(tmp string) (*os.File, error) {
	if err := os.RemoveAll(tmp); err != nil {
		return nil, err
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return nil, err
	}
	held, err := os.Open(tmp)
	if err != nil {
		return nil, err
	}
	if err := flock.TryFile(held, flock.Exclusive); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held, os.Mkdir(filepath.Join(tmp, diffName), 0o700)
}

// Existing reports whether the layer was there already.
func (u *Unpack) Existing() bool { return u.existing != nil }

// From unpacks an uncompressed tar, to its very end. It may be called again
// after an error, with a reader that starts at the beginning.
func (u *Unpack) From(ctx context.Context, r io.Reader) error {
	if u.existing != nil {
		return fmt.Errorf("layer %s: %w", u.id, store.ErrExists)
	}
	if err := u.reset(); err != nil {
		return err
	}
	if err := u.from(ctx, r); err != nil {
		return fmt.Errorf("unpacking layer %s: %w", u.id, err)
	}
	return nil
}

// reset empties the layer-to-be after an earlier From.
func (u *Unpack) reset() error {
	if u.sum == "" {
		return nil
	}
	u.sum = ""
	diff := filepath.Join(u.tmp, diffName)
	if err := os.RemoveAll(diff); err != nil {
		return err
	}
	return os.Mkdir(diff, 0o700)
}

func (u *Unpack) from(ctx context.Context, r io.Reader) error {
	u.sum = "incomplete"
	d, err := openDisk(filepath.Join(u.tmp, diffName))
	if err != nil {
		return err
	}
	defer d.close()
	in := newStream(ctx, r, u.s.limits.Bytes)
	x := &extractor{
		tree: newTree(u.s.limits.Entries), names: d, disk: d, in: in, tar: tar.NewReader(in), limits: u.s.limits,
	}
	err = x.run()
	in.finish()
	if err != nil {
		return err
	}
	nodes := x.sorted()
	if err := x.dressDirs(nodes); err != nil {
		return err
	}
	u.meta = x.summary(nodes)
	u.sum = digest.NewDigestFromBytes(digest.SHA256, in.sum[:])
	return writeIndex(filepath.Join(u.tmp, indexName), nodes)
}

// Commit makes the layer visible, if what was unpacked is what its id says.
func (u *Unpack) Commit(ctx context.Context) (Layer, error) {
	if u.existing != nil {
		return *u.existing, nil
	}
	if err := ctx.Err(); err != nil {
		return Layer{}, err
	}
	if u.sum != u.id {
		return Layer{}, fmt.Errorf("layer %s: the tar is %s: %w", u.id, u.sum, store.ErrDamaged)
	}
	m := u.meta
	m.Version, m.DiffID, m.BootID = metaVersion, u.id, u.s.root.BootID()
	if err := atomicfile.WriteJSON(filepath.Join(u.tmp, metaName), m, 0o600, atomicfile.Crash); err != nil {
		return Layer{}, err
	}
	if u.damaged {
		// The variants share files with what is replaced.
		if err := errors.Join(u.s.dropVariants(u.id), u.s.discard(u.id.Encoded())); err != nil {
			return Layer{}, err
		}
	}
	if err := unix.Rename(u.tmp, u.s.dir(u.id.Encoded())); err != nil {
		return Layer{}, fmt.Errorf("layer %s: %w", u.id, err)
	}
	l := u.s.layer(m)
	u.existing = &l
	return l, nil
}

// Close gives the lock back and removes a layer that was not committed.
func (u *Unpack) Close() error {
	var err error
	if u.tmp != "" && u.existing == nil {
		err = os.RemoveAll(u.tmp)
	}
	if u.held != nil {
		_ = u.held.Close()
		u.held = nil
	}
	u.tmp = ""
	u.lock.Unlock()
	return err
}
