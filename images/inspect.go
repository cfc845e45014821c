package images

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/progress"
)

// Source is an image to be looked into where it lies. Blobs are its layers as
// stored or served, one for each diff-id of Config.
type Source struct {
	ID     digest.Digest
	Config v1.Image
	Blobs  []v1.Descriptor
	Blob   func(ctx context.Context, i int) (io.ReadCloser, error) // compressed, unverified
	Close  func() error
}

// Here is the Source of an image in the store.
func (im *Images) Here(ctx context.Context, nameOrID string) (*Source, error) {
	img, err := im.Resolve(ctx, nameOrID)
	if err != nil {
		return nil, err
	}
	s, err := im.summary(ctx, entry{target: img.Target, manifest: img.Manifest.Digest})
	if err != nil {
		return nil, err
	}
	return &Source{
		ID: s.config.Digest, Config: s.image, Blobs: s.blobs,
		Blob:  func(_ context.Context, i int) (io.ReadCloser, error) { return im.blobs.Open(s.blobs[i].Digest) },
		Close: func() error { return nil },
	}, nil
}

// Remote is the Source of an image in its registry. Only the manifest and the
// config are fetched, and nothing is kept.
func (im *Images) Remote(ctx context.Context, name string, o PullOptions) (*Source, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return nil, err
	}
	want, err := platform(o.Platform)
	if err != nil {
		return nil, err
	}
	p := &pull{im: im, ref: ref, want: want, explicit: o.Platform != "", sink: progress.Discard, look: true}
	if p.repo, err = im.reg.Open(ctx, ref, o.Insecure); err != nil {
		return nil, err
	}
	if err := p.documents(ctx); err != nil {
		p.repo.Close()
		return nil, err
	}
	m := p.manifest.Manifest
	return &Source{
		ID: m.Config.Digest, Config: p.config, Blobs: m.Layers,
		Blob: func(ctx context.Context, i int) (io.ReadCloser, error) {
			return p.repo.Blob(ctx, m.Layers[i], 0), nil
		},
		Close: func() error { p.repo.Close(); return nil },
	}, nil
}

// Decompress returns what is in r, whatever layers may be compressed with.
// What counts is what the bytes say.
func Decompress(r io.Reader) (io.ReadCloser, error) { return decompress(r) }

// ParseConfig reads an image's config and checks that it is for so many layers.
func ParseConfig(raw []byte, layers int) (v1.Image, error) { return parseConfig(raw, layers) }

// PickManifest finds the manifest in an index that is for this machine, or the
// only one there is.
func PickManifest(ctx context.Context, ix *v1.Index,
	fetch func(context.Context, v1.Descriptor) (*registry.Document, error)) (v1.Descriptor, error) {
	want, err := platform("")
	if err != nil {
		return v1.Descriptor{}, err
	}
	d, err := choose(ctx, ix, want, func(ctx context.Context, d v1.Descriptor) (*v1.Index, error) {
		doc, err := fetch(ctx, d)
		if err != nil {
			return nil, err
		}
		return doc.Index, nil
	})
	if err != nil && len(ix.Manifests) == 1 {
		return ix.Manifests[0], nil
	}
	return d, err
}
