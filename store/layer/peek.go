package layer

import (
	"fmt"

	"github.com/opencontainers/go-digest"
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
