package images

import (
	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/store"
	"gantry/store/blob"
	"gantry/store/layer"
)

// RegistryConfig says how to talk to registries; the zero value is right for
// use.
type RegistryConfig = registry.Config

// Images is the images of one store. It is safe for concurrent use, also by
// several processes.
type Images struct {
	s      *store.Store
	blobs  *blob.Store
	layers *layer.Store
	reg    *registry.Client
	seen   summaries
}

// New returns the images of s. It touches nothing.
func New(s *store.Store, blobs *blob.Store, layers *layer.Store, cfg RegistryConfig) *Images {
	return &Images{s: s, blobs: blobs, layers: layers, reg: registry.New(cfg)}
}

// tagged reads a reference that must not have a digest.
func tagged(name string) (reference.Ref, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return reference.Ref{}, err
	}
	if ref.Digest != "" {
		return reference.Ref{}, say(store.ErrInvalid, "%s: a digest cannot be given to an image, only a tag", ref)
	}
	return ref, nil
}
