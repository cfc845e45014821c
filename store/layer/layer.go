// Package layer keeps image layers as directories that overlayfs can stack,
// one per diff-id, each with an index of what is in it. A layer is unpacked
// from its uncompressed tar once, never changes afterwards, and is shared by
// every image that has it.
//
// On disk, under layers/<hex of the diff-id>/:
//
//	diff/      the files; whiteouts are char 0:0 devices, opaque directories
//	           carry trusted.overlay.opaque=y
//	index      path, attributes, content digest and tar offset of every entry
//	meta.json  sizes, whether the layer stands alone, whether it is on the disk
//
// A layer that leans on the layers below it (a directory without an entry of
// its own, a hard link to a file it does not hold) gets a variant for each
// chain it is used in: layers/<hex of the chain-id>/, see Lowers.
//
// The tar is not trusted. No name in it is ever resolved by the kernel through
// a symbolic link, no attribute in it reaches overlayfs as an instruction, and
// sizes are bounded by Limits. What the package does not do: fetch, decompress
// or mount.
package layer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"

	"gantry/internal/flock"
	"gantry/store"
)

// root is what the package needs of the store.
type root interface {
	Path(elem ...string) string
	Tmp() string
	BootID() string
	Writable() error
	Lock(ctx context.Context, kind, key string) (*flock.Lock, error)
}

// Store is the layers of one store. It holds no state of its own and is safe
// for concurrent use, also by several processes.
type Store struct {
	root   root
	limits Limits
}

// Open returns the layers of s. It touches nothing.
func Open(s root) *Store { return &Store{root: s, limits: DefaultLimits} }

// WithLimits returns a Store on the same layers that unpacks within l.
func (s *Store) WithLimits(l Limits) *Store { return &Store{root: s.root, limits: l} }

// Layer is a committed layer.
type Layer struct {
	DiffID        digest.Digest
	Dir           string // the files, for overlayfs
	Size          int64  // bytes in regular files, hard links counted once
	Files         int    // regular files, hard links counted once
	SelfContained bool   // usable as it is in every chain
}

// Get returns a layer that is safe to use. A layer that another boot left
// unsynced is first verified against its index, which reads all of it; when
// files were lost the error is store.ErrDamaged and Begin replaces the layer.
func (s *Store) Get(id digest.Digest) (Layer, error) {
	m, err := s.load(context.Background(), id)
	if err != nil {
		return Layer{}, err
	}
	return s.layer(m), nil
}

// load is Get with a context for the time verifying takes.
func (s *Store) load(ctx context.Context, id digest.Digest) (meta, error) {
	hex, err := hexOf(id)
	if err != nil {
		return meta{}, err
	}
	h, err := s.open(hex)
	if err != nil {
		return meta{}, fmt.Errorf("layer %s: %w", id, err)
	}
	defer h.close()
	m, err := h.read()
	if err == nil && m.DiffID != id {
		err = fmt.Errorf("its record names %q: %w", m.DiffID, store.ErrDamaged)
	}
	if err == nil && !m.safe(s.root.BootID()) {
		m, err = s.settle(ctx, h, m)
	}
	if err != nil {
		return meta{}, fmt.Errorf("layer %s: %w", id, err)
	}
	return m, nil
}

// settle verifies a layer of an earlier boot and records that it is whole.
func (s *Store) settle(ctx context.Context, h *handle, m meta) (meta, error) {
	if err := h.verify(ctx); err != nil {
		return meta{}, err
	}
	m.Synced, m.BootID = true, s.root.BootID()
	if s.root.Writable() != nil {
		return m, nil
	}
	return m, h.write(m)
}

func (s *Store) layer(m meta) Layer {
	hex := m.DiffID.Encoded()
	return Layer{
		DiffID: m.DiffID, Dir: s.dir(hex, diffName), Size: m.Size, Files: m.Files,
		SelfContained: m.SelfContained,
	}
}

// List returns the layers whose records can be read, by diff-id. It verifies
// nothing; damaged layers are left out.
func (s *Store) List() ([]Layer, error) {
	metas, err := s.metas()
	if err != nil {
		return nil, err
	}
	var out []Layer
	for _, m := range metas {
		if m.ChainID == "" {
			out = append(out, s.layer(m))
		}
	}
	slices.SortFunc(out, func(a, b Layer) int { return cmp.Compare(a.DiffID, b.DiffID) })
	return out, nil
}

// metas reads every record, of layers and of variants.
func (s *Store) metas() ([]meta, error) {
	names, err := os.ReadDir(s.root.Path("layers"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []meta
	for _, name := range names {
		h, err := s.open(name.Name())
		if err != nil {
			continue
		}
		if m, err := h.read(); err == nil {
			out = append(out, m)
		}
		h.close()
	}
	return out, nil
}

// Remove deletes a layer and every variant of it. Removing a layer that does
// not exist is not an error. The caller knows that nothing refers to it.
func (s *Store) Remove(ctx context.Context, id digest.Digest) error {
	hex, err := hexOf(id)
	if err != nil {
		return err
	}
	if err := s.root.Writable(); err != nil {
		return fmt.Errorf("removing layer %s: %w", id, err)
	}
	lock, err := s.root.Lock(ctx, lockKind, hex)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return errors.Join(s.dropVariants(id), s.discard(hex))
}

// dropVariants deletes the variants of a layer. The caller holds its lock,
// under which alone variants of it are made.
func (s *Store) dropVariants(id digest.Digest) error {
	metas, err := s.metas()
	if err != nil {
		return err
	}
	for _, m := range metas {
		if m.DiffID == id && m.ChainID != "" {
			err = errors.Join(err, s.discard(m.ChainID.Encoded()))
		}
	}
	return err
}

// discard moves layers/<hex> out of sight, then deletes it: a crash leaves
// nothing half deleted under its name. The caller holds the layer's lock.
func (s *Store) discard(hex string) error {
	grave := filepath.Join(s.root.Tmp(), tmpPrefix+hex+"-old")
	if err := os.RemoveAll(grave); err != nil {
		return err
	}
	err := os.Rename(s.dir(hex), grave)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(grave)
}

const (
	lockKind  = "layer"
	tmpPrefix = "layer-"
	diffName  = "diff"
	indexName = "index"
	metaName  = "meta.json"
)

// dir is the path of layers/<hex>, or of something in it.
func (s *Store) dir(hex string, elem ...string) string {
	return s.root.Path(append([]string{"layers", hex}, elem...)...)
}

// hexOf checks an id before any path is made of it.
func hexOf(id digest.Digest) (string, error) {
	if id.Validate() != nil || id.Algorithm() != digest.SHA256 {
		return "", fmt.Errorf("layer id %q: %w", string(id), store.ErrInvalid)
	}
	return id.Encoded(), nil
}
