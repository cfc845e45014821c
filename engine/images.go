package engine

import (
	"context"
	"errors"
	"fmt"

	"gantry/images"
)

// Images lists every image, newest first. A damaged one is listed as such.
func (e *Engine) Images(ctx context.Context) ([]Image, error) { return e.images.List(ctx) }

// Image finds one image by name, ID or unique ID prefix.
func (e *Engine) Image(ctx context.Context, ref string) (Image, error) {
	return e.images.Resolve(ctx, ref)
}

// Pull fetches ref from its registry, whatever is here already. The embedded
// image needs none: it is made when it is not here.
func (e *Engine) Pull(ctx context.Context, ref string, o PullOptions, sink Sink) (Image, error) {
	if isToolbox(ref) {
		return e.toolbox(ctx)
	}
	if err := e.store.SweepTemp(ctx); err != nil {
		return Image{}, err
	}
	return e.images.Pull(ctx, ref, o, sink)
}

// RemoveImage takes away a name, and the image with its last name.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) (RemoveResult, error) {
	return e.images.Remove(ctx, ref, images.RemoveOptions{Force: force, Containers: e.uses})
}

// uses tells the images what containers need of them.
func (e *Engine) uses(ctx context.Context) ([]images.ContainerUse, error) {
	all, err := e.containers.List(ctx)
	if err != nil {
		return nil, err
	}
	var uses []images.ContainerUse
	for _, c := range all {
		if c.Damaged != "" {
			return nil, fmt.Errorf("container %s is damaged and may use any layer; remove it first: %w", c.ID, ErrDamaged)
		}
		uses = append(uses, images.ContainerUse{
			Name: c.Name, Image: c.ImageID, Layers: c.Layers,
			Running: c.State.Status == Running || c.State.Status == Paused,
		})
	}
	return uses, nil
}

// Tag gives the image src the further name dst.
func (e *Engine) Tag(ctx context.Context, src, dst string) error { return e.images.Tag(ctx, src, dst) }

// History lists an image's instructions, newest first.
func (e *Engine) History(ctx context.Context, ref string) ([]HistoryEntry, error) {
	return e.images.History(ctx, ref)
}

// imageFor finds the image of a new container as the pull policy says.
// Precondition: the caller holds the store, so that no prune takes the image
// away before a record names it.
func (e *Engine) imageFor(ctx context.Context, spec RunSpec, sink Sink) (Image, error) {
	o := PullOptions{Platform: spec.Platform, Insecure: spec.Insecure, Quiet: spec.Quiet}
	if spec.Pull == PullAlways {
		return e.Pull(ctx, spec.Image, o, sink)
	}
	img, err := e.images.Resolve(ctx, spec.Image)
	switch {
	case errors.Is(err, ErrNotFound) && spec.Pull != PullNever:
		return e.Pull(ctx, spec.Image, o, sink)
	case err != nil:
		return Image{}, err
	case img.Damaged != "":
		return Image{}, fmt.Errorf("image %s is damaged (%s); pull it again: %w", Printable(spec.Image), img.Damaged, ErrDamaged)
	}
	return img, nil
}
