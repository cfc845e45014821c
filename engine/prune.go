package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"gantry/images"
	"gantry/store/layer"
	"gantry/store/volume"
)

// What a store takes and what is wrong in it.
type (
	ImageUsage  = images.ImageUsage
	PruneResult = images.PruneResult
	Problem     = images.Problem
)

// PruneOptions choose what goes. Filters that are zero keep nothing.
type PruneOptions struct {
	All    bool              // images: also those with a name; volumes: also those with a name
	Until  time.Time         // only what was created before
	Labels map[string]string // only what has these labels; "" is any value
	Not    map[string]string // nothing that has one of these
	DryRun bool              // only say what would go
}

// chosen reports whether filters let something go.
func (o PruneOptions) chosen(created time.Time, labels map[string]string) bool {
	for key, want := range o.Labels {
		if got, has := labels[key]; !has || want != "" && got != want {
			return false
		}
	}
	for key, want := range o.Not {
		if got, has := labels[key]; has && (want == "" || got == want) {
			return false
		}
	}
	return o.Until.IsZero() || created.Before(o.Until)
}

// PruneImages removes images that no container uses, and content nothing needs.
func (e *Engine) PruneImages(ctx context.Context, o PruneOptions) (PruneResult, error) {
	return e.images.Prune(ctx, images.PruneOptions{
		All: o.All, DryRun: o.DryRun, Containers: e.uses,
		Keep: func(img Image) bool { return !o.chosen(img.Created, img.Config.Config.Labels) },
	})
}

// PruneContainers removes containers that do not run.
func (e *Engine) PruneContainers(ctx context.Context, o PruneOptions) (PruneResult, error) {
	all, err := e.containers.List(ctx)
	if err != nil {
		return PruneResult{}, err
	}
	var res PruneResult
	for _, c := range all {
		if c.Damaged != "" || c.State.Status == Running || c.State.Status == Paused || starting(c) || !o.chosen(c.Created, c.Config.Labels) {
			continue
		}
		changes, log, err := e.containers.Size(ctx, c.ID)
		if err != nil {
			return res, err
		}
		if !o.DryRun {
			err := e.Remove(ctx, c.ID, RemoveOptions{})
			if errors.Is(err, ErrInUse) || errors.Is(err, ErrNotFound) {
				continue // it was started or removed since we listed
			}
			if err != nil {
				return res, err
			}
		}
		res.Deleted = append(res.Deleted, c.ID)
		res.Bytes += changes + log
	}
	return res, nil
}

// startGrace is how long a container that never ran may be between the two
// halves of a run: a prune must not take it from under one (moby#53321).
const startGrace = 10 * time.Second

func starting(c Container) bool {
	return c.State.Status == Created && time.Since(c.Created) < startGrace
}

// volumePatience is how long a prune of volumes waits for pulls and the like.
const volumePatience = 5 * time.Second

// PruneVolumes removes volumes that no container has: anonymous ones, or all.
// It decides while no container is being made.
func (e *Engine) PruneVolumes(ctx context.Context, o PruneOptions) (PruneResult, error) {
	patient, cancel := context.WithTimeout(ctx, volumePatience)
	defer cancel()
	release, err := e.store.Exclusive(patient)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return PruneResult{Busy: true}, nil
	}
	if err != nil {
		return PruneResult{}, err
	}
	defer release()
	list, err := e.volumeUsage(ctx)
	if err != nil {
		return PruneResult{}, err
	}
	var res PruneResult
	for _, v := range list {
		if v.Links > 0 || !o.All && !volume.Anonymous(v.Name) || !o.chosen(time.Time{}, nil) {
			continue
		}
		if !o.DryRun {
			if err := volume.Remove(ctx, e.store, v.Name); err != nil {
				return res, err
			}
		}
		res.Deleted = append(res.Deleted, v.Name)
		res.Bytes += v.Bytes
	}
	return res, nil
}

// VolumeUsage is what a volume takes, and how many containers have it.
type VolumeUsage struct {
	Name  string
	Bytes int64
	Links int
}

func (e *Engine) volumeUsage(ctx context.Context) ([]VolumeUsage, error) {
	names, err := volume.List(e.store)
	if err != nil {
		return nil, err
	}
	all, err := e.containers.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []VolumeUsage
	for _, name := range names {
		v := VolumeUsage{Name: name}
		path, err := volume.Path(e.store, name)
		if err != nil {
			return nil, err
		}
		if v.Bytes, err = layer.DiskUsage(ctx, path); err != nil {
			return nil, err
		}
		for _, c := range all {
			has := func(m Mount) bool { return m.Type == "volume" && m.Source == name }
			if c.Damaged != "" || slices.ContainsFunc(c.Host.Mounts, has) {
				v.Links++
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// readableUses is uses of the containers whose records can be read.
func (e *Engine) readableUses(ctx context.Context) ([]images.ContainerUse, error) {
	all, err := e.containers.List(ctx)
	all = slices.DeleteFunc(all, func(c Container) bool { return c.Damaged != "" })
	return usesOf(all), err
}

// Verify compares the whole store with its digests and indexes, and repairs
// what can be.
func (e *Engine) Verify(ctx context.Context, repair bool, sink Sink) ([]Problem, error) {
	uses := e.readableUses
	if repair { // which deletes: it has to know all
		uses = e.uses
	}
	problems, err := e.images.Verify(ctx, images.VerifyOptions{Repair: repair, Containers: uses}, sink)
	if err != nil {
		return problems, err
	}
	all, err := e.containers.List(ctx)
	for _, c := range all {
		if c.Damaged != "" {
			problems = append(problems, Problem{
				Kind: "container", ID: c.ID, Detail: Printable(c.Damaged), Fix: "rm -f " + c.ID[:min(12, len(c.ID))],
			})
		}
	}
	return problems, err
}
