package registry

import (
	"context"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxDocument bounds manifests, indexes and configs.
const maxDocument = 4 << 20

// Docker's names for what OCI took over.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayers   = "application/vnd.docker.image.rootfs."
	schema1        = "application/vnd.docker.distribution.manifest.v1+"
)

const accepted = v1.MediaTypeImageIndex + "," + v1.MediaTypeImageManifest + "," + dockerList + "," + dockerManifest

// Manifest fetches the manifest or index that target, a tag or digest, leads
// to. The bytes have the digest in Document.Desc, and it is the one asked for.
func (r *Repository) Manifest(ctx context.Context, target string) (*Document, error) {
	what := r.what(target)
	raw, header, err := r.document(ctx, "/manifests/"+target, what, accepted, maxDocument)
	if err != nil {
		return nil, err
	}
	got := digest.FromBytes(raw)
	if strings.Contains(target, ":") && target != got.String() {
		return nil, bad("%s: the registry served %s instead", what, got)
	}
	if claim := header.Get("Docker-Content-Digest"); strings.HasPrefix(claim, "sha256:") && claim != got.String() {
		return nil, bad("%s: the registry announced %s and served %s", what, clip(claim), got)
	}
	doc, err := ParseDocument(raw, header.Get("Content-Type"))
	if err != nil {
		return nil, bad("%s: %w", what, err)
	}
	return doc, nil
}

// Child fetches a manifest that an index lists.
func (r *Repository) Child(ctx context.Context, want v1.Descriptor) (*Document, error) {
	doc, err := r.Manifest(ctx, want.Digest.String())
	if err != nil {
		return nil, err
	}
	if want.Size != doc.Desc.Size {
		return nil, bad("manifest %s has %d bytes, its index says %d", want.Digest, doc.Desc.Size, want.Size)
	}
	if want.MediaType != "" && want.MediaType != doc.Desc.MediaType {
		return nil, bad("manifest %s is a %s, its index says %s", want.Digest, doc.Desc.MediaType, clip(want.MediaType))
	}
	return doc, nil
}

// Small fetches a small blob, such as a config, and verifies it.
func (r *Repository) Small(ctx context.Context, want v1.Descriptor) ([]byte, error) {
	what := "blob " + want.Digest.String()
	if want.Size > maxDocument {
		return nil, tooLarge(what, want.Size, maxDocument)
	}
	raw, _, err := r.document(ctx, "/blobs/"+want.Digest.String(), what, "", maxDocument)
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) != want.Size {
		return nil, bad("%s has %d bytes, its manifest says %d", what, len(raw), want.Size)
	}
	if got := digest.FromBytes(raw); got != want.Digest {
		return nil, bad("%s: the registry served %s instead", what, got)
	}
	return raw, nil
}

// what names a manifest in messages.
func (r *Repository) what(target string) string {
	if strings.Contains(target, ":") {
		return r.ref.FamiliarName() + "@" + target
	}
	return r.ref.FamiliarName() + ":" + target
}
