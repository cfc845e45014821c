package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
)

// prunePatience is how long a prune waits for pulls and the like to finish.
const prunePatience = 5 * time.Second

// PruneOptions say which images go: those without a name that no container
// uses.
type PruneOptions struct {
	All    bool             // also those with a name
	Keep   func(Image) bool // nil keeps none
	DryRun bool             // only say what would go
	// Containers lists all containers; nil means that there are none.
	Containers func(context.Context) ([]ContainerUse, error)
}

// PruneResult is what went, or would.
type PruneResult struct {
	RemoveResult
	Bytes int64 // freed, of blobs and layers
	Busy  bool  // others use the store: nothing was removed
}

// Prune removes images that nobody needs, and all content that no image and no
// container needs: what interrupted pulls and loads left behind too. It decides
// while nobody uses the store, so that nothing about to be used goes. The
// caller must not hold the store.
func (im *Images) Prune(ctx context.Context, o PruneOptions) (PruneResult, error) {
	if !o.DryRun {
		patient, cancel := context.WithTimeout(ctx, prunePatience)
		defer cancel()
		release, err := im.s.Exclusive(patient)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return PruneResult{Busy: true}, nil
		}
		if err != nil {
			return PruneResult{}, err
		}
		defer release()
	}
	uses := RemoveOptions{Containers: o.Containers}
	victims, left, err := im.victims(ctx, o)
	if err != nil {
		return PruneResult{}, err
	}
	var res PruneResult
	for _, v := range victims {
		res.Untagged = append(append(res.Untagged, v.Names...), v.RepoDigests...)
		res.Deleted = append(res.Deleted, v.ID.String())
	}
	if o.DryRun {
		res.Bytes, err = im.freeable(ctx, left, uses)
		return res, err
	}
	for _, v := range victims {
		if err := im.unnameOne(ctx, v); err != nil {
			return PruneResult{}, err
		}
	}
	layers, freed, err := im.sweep(ctx, uses)
	res.Deleted, res.Bytes = append(res.Deleted, layers...), freed
	return res, err
}

// victims are the images to remove, and the entries that stay.
func (im *Images) victims(ctx context.Context, o PruneOptions) ([]Image, []entry, error) {
	used := map[digest.Digest]bool{}
	containers, err := RemoveOptions{Containers: o.Containers}.containers(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("which containers use images: %w", err)
	}
	for _, c := range containers {
		used[c.Image] = true
	}
	list, err := im.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := im.entries(ctx)
	if err != nil {
		return nil, nil, err
	}
	var out []Image
	for _, img := range list {
		named := len(img.Names)+len(img.RepoDigests) > 0
		if used[img.ID] || named && !o.All || o.Keep != nil && o.Keep(img) {
			continue
		}
		out = append(out, img)
		all = slices.DeleteFunc(all, func(e entry) bool { return im.leadsTo(ctx, e, img) })
	}
	return out, all, nil
}

// unnameOne leaves an image as removed. A crash after it leaves the rest to the
// next removal.
func (im *Images) unnameOne(ctx context.Context, v Image) error {
	unlock, err := im.lockNames(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	all, err := im.entries(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return e.removed() || !im.leadsTo(ctx, e, v) })
	if len(all) == 0 {
		return nil
	}
	grave := all[0]
	key := v.Manifest.Digest
	if key == "" {
		key = v.Target.Digest
	}
	grave.name, grave.pulled = removedPrefix+key.String(), false
	if err := im.setEntry(ctx, grave); err != nil {
		return err
	}
	for _, e := range all {
		if err := im.blobs.DeleteRef(ctx, e.name); err != nil {
			return err
		}
	}
	return nil
}

// everything is all content of the store.
func (im *Images) everything() (needs, error) {
	n := newNeeds()
	blobs, err := im.blobs.List()
	if err != nil {
		return n, err
	}
	for _, d := range blobs {
		n.blobs[d] = true
	}
	layers, err := im.layers.List()
	for _, l := range layers {
		n.layers[l.DiffID] = true
	}
	return n, err
}

// freeable is how many bytes go when only the entries left and the containers
// keep content.
func (im *Images) freeable(ctx context.Context, left []entry, o RemoveOptions) (int64, error) {
	all, err := im.everything()
	if err != nil {
		return 0, err
	}
	live, err := im.live(ctx, left, o)
	if err != nil {
		return 0, err
	}
	var bytes int64
	for d := range all.blobs {
		if size, err := im.blobs.Size(d); err == nil && !live.blobs[d] {
			bytes += size
		}
	}
	for id := range all.layers {
		if !live.layers[id] {
			bytes += im.layerSize(id)
		}
	}
	return bytes, nil
}

// sweep deletes what nothing needs, then the entries of removed images.
// Precondition: nobody else uses the store.
func (im *Images) sweep(ctx context.Context, o RemoveOptions) (layers []string, freed int64, err error) {
	all, err := im.entries(ctx)
	if err != nil {
		return nil, 0, err
	}
	live, err := im.live(ctx, all, o)
	if err != nil {
		return nil, 0, err
	}
	dead, err := im.everything()
	if err != nil {
		return nil, 0, err
	}
	if layers, freed, err = im.drop(ctx, dead, live); err != nil {
		return layers, freed, err
	}
	for _, e := range all {
		if e.removed() {
			if err := im.blobs.DeleteRef(ctx, e.name); err != nil {
				return layers, freed, err
			}
		}
	}
	return layers, freed, nil
}
