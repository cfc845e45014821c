package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/registry"
	"gantry/internal/termsafe"
	"gantry/store"
)

// summary is what a manifest and its config say. It never changes, for it is
// kept by the manifest's digest.
type summary struct {
	desc   v1.Descriptor // of the manifest
	config v1.Descriptor
	image  v1.Image
	blobs  []v1.Descriptor // of layers
}

// summaries remembers what was read.
type summaries struct {
	mu sync.Mutex
	of map[digest.Digest]*summary
}

func (c *summaries) get(d digest.Digest) *summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[d]
}

func (c *summaries) put(d digest.Digest, s *summary) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[digest.Digest]*summary{}
	}
	c.of[d] = s
}

// summary reads the manifest an entry means.
func (im *Images) summary(ctx context.Context, e entry) (*summary, error) {
	d := e.manifest
	if d == "" {
		var err error
		if d, err = im.pick(ctx, e.target); err != nil {
			return nil, err
		}
	}
	if s := im.seen.get(d); s != nil && im.blobs.Has(d) {
		return s, nil
	}
	doc, err := im.document(d)
	if err != nil {
		return nil, err
	}
	if doc.Manifest == nil {
		return nil, fmt.Errorf("manifest %s is an index: %w", d, store.ErrDamaged)
	}
	raw, err := im.blobs.ReadSmall(doc.Manifest.Config.Digest, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	conf, err := parseConfig(raw, len(doc.Manifest.Layers))
	if err != nil {
		return nil, err
	}
	conf.Author = termsafe.Line(conf.Author)
	s := &summary{desc: doc.Desc, config: doc.Manifest.Config, image: conf, blobs: doc.Manifest.Layers}
	im.seen.put(d, s)
	return s, nil
}

// document reads a manifest or index from the store.
func (im *Images) document(d digest.Digest) (*registry.Document, error) {
	raw, err := im.blobs.ReadSmall(d, maxDocument)
	if err != nil {
		return nil, err
	}
	return registry.ParseStored(d, raw)
}

// pick finds which manifest of an index is here, for entries that other tools
// wrote: the one for this machine, or else any.
func (im *Images) pick(ctx context.Context, target v1.Descriptor) (digest.Digest, error) {
	doc, err := im.document(target.Digest)
	if err != nil {
		return "", err
	}
	if doc.Manifest != nil {
		return target.Digest, nil
	}
	here := *doc.Index
	here.Manifests = nil
	for _, m := range doc.Index.Manifests {
		if im.blobs.Has(m.Digest) {
			here.Manifests = append(here.Manifests, m)
		}
	}
	want, err := platform("")
	if err != nil {
		return "", err
	}
	best, err := choose(ctx, &here, want, func(_ context.Context, d v1.Descriptor) (*v1.Index, error) {
		child, err := im.document(d.Digest)
		if err != nil {
			return nil, nil // not here: not a candidate
		}
		return child.Index, nil
	})
	if err == nil {
		return best.Digest, nil
	}
	if len(here.Manifests) > 0 {
		return here.Manifests[0].Digest, nil
	}
	return "", fmt.Errorf("no manifest of index %s is here: %w", target.Digest, store.ErrDamaged)
}

// load makes the Image an entry leads to, without names.
func (im *Images) load(ctx context.Context, e entry) (Image, error) {
	s, err := im.summary(ctx, e)
	if err != nil {
		return Image{}, err
	}
	return im.whole(s, e.target), nil
}

// whole describes an image and says which of its layers cannot be used.
func (im *Images) whole(s *summary, target v1.Descriptor) Image {
	img := s.describe(target)
	for _, id := range unique(img.Layers) {
		l, err := im.layers.Get(id)
		if err != nil {
			img.Damaged = fmt.Sprintf("layer %s: %s", id, reason(err))
			continue
		}
		img.Size += l.Size
	}
	return img
}

func (s *summary) describe(target v1.Descriptor) Image {
	target.Annotations = nil
	img := Image{
		ID: s.config.Digest, Target: target, Manifest: s.desc, Platform: platformName(normal(s.image.Platform)),
		Config: s.image, Layers: s.image.RootFS.DiffIDs,
	}
	if s.image.Created != nil {
		img.Created = *s.image.Created
	}
	return img
}

func reason(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "missing"
	case errors.As(err, &syntax):
		return "unreadable"
	}
	return termsafe.Line(err.Error())
}

func unique[T comparable](in []T) []T {
	seen := make(map[T]bool, len(in))
	var out []T
	for _, v := range in {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
