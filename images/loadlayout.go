package images

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/registry"
	"gantry/store"
)

// lookOCI reads an image of an OCI layout, which is kept byte for byte.
func (l *loading) lookOCI(ctx context.Context, in *incoming) error {
	doc, err := l.read(in, in.Target.Digest)
	if err != nil {
		return err
	}
	top := doc.Desc
	if doc.Index != nil {
		chosen, err := l.choose(ctx, in, doc.Index)
		if err != nil {
			return err
		}
		if doc, err = l.read(in, chosen); err != nil {
			return err
		}
	}
	if doc.Manifest == nil {
		return say(store.ErrInvalid, "%s is an index where a manifest should be", doc.Desc.Digest)
	}
	in.entry = entry{target: top, manifest: doc.Desc.Digest}
	m := doc.Manifest
	in.id = m.Config.Digest
	raw, err := l.archive.ReadBlob(m.Config.Digest)
	if errors.Is(err, store.ErrNotFound) {
		raw, err = l.im.blobs.ReadSmall(m.Config.Digest, maxDocument)
	}
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	in.docs[m.Config.Digest] = document{m.Config, raw}
	if in.conf, err = parseConfig(raw, len(m.Layers)); err != nil {
		return err
	}
	s := &summary{desc: doc.Desc, config: m.Config, image: in.conf, blobs: m.Layers}
	if l.im.whole(s, top).Damaged == "" && l.im.blobsHere(s) {
		in.here = true
		return nil
	}
	for i, d := range m.Layers {
		layer, err := l.archive.BlobLayer(d)
		if err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
		in.layers = append(in.layers, layer)
	}
	return nil
}

// read reads a manifest or index of the layout and keeps it for the store.
func (l *loading) read(in *incoming, d digest.Digest) (*registry.Document, error) {
	raw, err := l.archive.ReadBlob(d)
	if err != nil {
		return nil, err
	}
	doc, err := registry.ParseDocument(raw, "")
	if err != nil {
		return nil, err
	}
	in.docs[d] = document{doc.Desc, raw}
	return doc, nil
}

// choose finds the manifest of an index to use: for the platform asked for, or
// for this machine, or else what there is.
func (l *loading) choose(ctx context.Context, in *incoming, ix *v1.Index) (digest.Digest, error) {
	want, err := platform(l.platform)
	if err != nil {
		return "", err
	}
	here := v1.Index{}
	for _, m := range ix.Manifests {
		if r, _, err := l.archive.OpenBlob(m.Digest); err == nil {
			_ = r.Close()
			here.Manifests = append(here.Manifests, m)
		}
	}
	best, err := choose(ctx, &here, want, func(_ context.Context, d v1.Descriptor) (*v1.Index, error) {
		doc, err := l.read(in, d.Digest)
		if err != nil {
			return nil, err
		}
		return doc.Index, nil
	})
	if err == nil {
		return best.Digest, nil
	}
	if l.platform == "" && len(here.Manifests) > 0 && errors.Is(err, store.ErrNotFound) {
		return here.Manifests[0].Digest, nil
	}
	return "", err
}
