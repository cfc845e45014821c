package images

import (
	"context"

	"github.com/opencontainers/go-digest"
)

// ImageUsage is what an image takes of the disk, unpacked: layers it shares
// with other images, and its own.
type ImageUsage struct {
	Image          Image
	Shared, Unique int64
	Containers     int
}

// Usage is what all images take.
type Usage struct {
	Images      []ImageUsage
	Bytes       int64 // of all blobs and layers, each once
	Reclaimable int64 // what a prune of all unused images would free
}

// Usage measures the disk. containers may be nil.
func (im *Images) Usage(ctx context.Context, containers func(context.Context) ([]ContainerUse, error)) (Usage, error) {
	list, err := im.List(ctx)
	if err != nil {
		return Usage{}, err
	}
	used, err := RemoveOptions{Containers: containers}.containers(ctx)
	if err != nil {
		return Usage{}, err
	}
	owners := map[digest.Digest]int{}
	for _, img := range list {
		for _, id := range unique(img.Layers) {
			owners[id]++
		}
	}
	var u Usage
	for _, img := range list {
		one := ImageUsage{Image: img}
		for _, id := range unique(img.Layers) {
			if owners[id] > 1 {
				one.Shared += im.layerSize(id)
			} else {
				one.Unique += im.layerSize(id)
			}
		}
		for _, c := range used {
			if c.Image == img.ID {
				one.Containers++
			}
		}
		u.Images = append(u.Images, one)
	}
	if u.Bytes, err = im.freeable(ctx, nil, RemoveOptions{}); err != nil {
		return Usage{}, err
	}
	plan, err := im.Prune(ctx, PruneOptions{All: true, DryRun: true, Containers: containers})
	u.Reclaimable = plan.Bytes
	return u, err
}
