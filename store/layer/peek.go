package layer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"

	"gantry/store"
)

// Peek returns a layer as its record describes it and verifies nothing: for
// counting, never for use.
func (s *Store) Peek(id digest.Digest) (Layer, error) {
	hex, err := hexOf(id)
	if err != nil {
		return Layer{}, err
	}
	h, err := s.open(hex)
	if err != nil {
		return Layer{}, fmt.Errorf("layer %s: %w", id, err)
	}
	defer h.close()
	m, err := h.read()
	if err != nil {
		return Layer{}, fmt.Errorf("layer %s: %w", id, err)
	}
	return s.layer(m), nil
}

// Verify compares a layer with its index, whatever is known of it: an error
// that is store.ErrDamaged names what differs. It reads all of the layer.
func (s *Store) Verify(ctx context.Context, id digest.Digest) error {
	hex, err := hexOf(id)
	if err != nil {
		return err
	}
	h, err := s.open(hex)
	if err != nil {
		return fmt.Errorf("layer %s: %w", id, err)
	}
	defer h.close()
	m, err := h.read()
	if err == nil && m.DiffID != id {
		err = fmt.Errorf("its record names %q: %w", m.DiffID, store.ErrDamaged)
	}
	if err == nil {
		err = h.verify(ctx)
	}
	if err != nil {
		return fmt.Errorf("layer %s: %w", id, err)
	}
	return nil
}

// Strays lists what lies among the layers without a record that can be read:
// names, for RemoveStray. A layer that an image needs can be among them.
func (s *Store) Strays() ([]string, error) {
	names, err := os.ReadDir(s.root.Path("layers"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		h, err := s.open(name.Name())
		if err == nil {
			_, err = h.read()
			h.close()
		}
		if err != nil {
			out = append(out, name.Name())
		}
	}
	return out, nil
}

// RemoveStray deletes what Strays listed.
func (s *Store) RemoveStray(ctx context.Context, name string) error {
	id := digest.NewDigestFromEncoded(digest.SHA256, name)
	if id.Validate() == nil {
		return s.Remove(ctx, id)
	}
	return os.RemoveAll(s.dir(filepath.Base(name)))
}
