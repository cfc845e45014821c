package layer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"

	"gantry/store"
)

// Lowers returns the directories for overlayfs of a chain of layers, given
// bottom first as an image lists them, and returned TOP FIRST as a mount wants
// them. Layers that stand alone cost one small read each. A layer that leans on
// those below is finished on first use: a variant of it, keyed by the chain-id,
// has the same files under hard links, the attributes of the layers below on
// directories the tar did not mention, and a copy of each file below that the
// tar hard-linked to.
//
// Layers below one whose root is opaque are left out: overlayfs does not look
// for that mark on a root.
func (s *Store) Lowers(ctx context.Context, ids []digest.Digest) ([]string, error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("an image without layers: %w", store.ErrInvalid)
	}
	lowers := make([]string, 0, len(ids)) // top first at every step
	var chain digest.Digest
	for _, id := range ids {
		m, err := s.load(ctx, id)
		if err != nil {
			return nil, err
		}
		chain = chainID(chain, id)
		if m.RootOpaque {
			lowers = lowers[:0]
		}
		dir := s.layer(m).Dir
		if !m.SelfContained {
			if dir, err = s.finished(ctx, m, chain, lowers); err != nil {
				return nil, fmt.Errorf("layer %s: %w", id, err)
			}
		}
		lowers = slices.Insert(lowers, 0, dir)
	}
	return lowers, nil
}

// chainID is the id of a layer on top of a chain, as the image specification
// defines it.
func chainID(below, id digest.Digest) digest.Digest {
	if below == "" {
		return id
	}
	return digest.FromString(string(below) + " " + string(id))
}

// finished returns the directory of a layer in one chain.
func (s *Store) finished(ctx context.Context, base meta, chain digest.Digest, lowers []string) (string, error) {
	if len(lowers) == 0 && base.LinksBelow {
		return "", invalid("it has hard links to files that no layer below has")
	}
	if len(lowers) == 0 {
		return s.layer(base).Dir, nil
	}
	if dir, ok := s.variant(base, chain); ok {
		return dir, nil
	}
	if err := s.root.Writable(); err != nil {
		return "", err
	}
	lock, err := s.root.Lock(ctx, lockKind, base.DiffID.Encoded())
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if dir, ok := s.variant(base, chain); ok {
		return dir, nil // another process made it while we waited
	}
	if err := s.discard(chain.Encoded()); err != nil {
		return "", err
	}
	b := variantBuilder{ctx: ctx, s: s, base: base, chain: chain, lowers: lowers}
	if err := b.build(); err != nil {
		return "", err
	}
	dir, ok := s.variant(base, chain)
	if !ok {
		return "", fmt.Errorf("its variant %s vanished: %w", chain, store.ErrDamaged)
	}
	return dir, nil
}

// variant finds a finished variant. One that a power cut may have torn does
// not count: making it again is cheaper than looking at it.
func (s *Store) variant(base meta, chain digest.Digest) (string, bool) {
	h, err := s.open(chain.Encoded())
	if err != nil {
		return "", false
	}
	defer h.close()
	m, err := h.read()
	if err != nil || m.ChainID != chain || m.DiffID != base.DiffID || !m.safe(s.root.BootID()) {
		return "", false
	}
	if m.AsIs {
		return s.layer(base).Dir, true
	}
	dir := s.dir(chain.Encoded(), diffName)
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return "", false
	}
	return dir, true
}
