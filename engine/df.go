package engine

import "context"

// ContainerUsage is what a container takes: its changes and its log.
type ContainerUsage struct {
	Container Container
	Bytes     int64
}

// DiskUsage is what the store takes. Content that images share counts once.
type DiskUsage struct {
	Images           []ImageUsage
	ImageBytes       int64
	ImageReclaimable int64
	Containers       []ContainerUsage
	Volumes          []VolumeUsage
}

// DiskUsage measures the store.
func (e *Engine) DiskUsage(ctx context.Context) (DiskUsage, error) {
	var u DiskUsage
	measured, err := e.images.Usage(ctx, e.uses)
	if err != nil {
		return u, err
	}
	u.Images, u.ImageBytes, u.ImageReclaimable = measured.Images, measured.Bytes, measured.Reclaimable
	all, err := e.Containers(ctx)
	if err != nil {
		return u, err
	}
	for _, c := range all {
		changes, log, err := e.containers.Size(ctx, c.ID)
		if err != nil {
			return u, err
		}
		u.Containers = append(u.Containers, ContainerUsage{c, changes + log})
	}
	u.Volumes, err = e.volumeUsage(ctx)
	return u, err
}

// ContainerSize is what a container changed, and that with its image.
func (e *Engine) ContainerSize(ctx context.Context, ref string) (writable, total int64, err error) {
	c, err := e.whole(ctx, ref)
	if err != nil {
		return 0, 0, err
	}
	if writable, _, err = e.containers.Size(ctx, c.ID); err != nil {
		return 0, 0, err
	}
	total = writable
	for _, id := range c.Layers {
		if l, err := e.layers.Peek(id); err == nil {
			total += l.Size
		}
	}
	return writable, total, nil
}
