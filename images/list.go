package images

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
)

// List returns every image, newest first. A damaged one is listed as such and
// has its names, but no config.
func (im *Images) List(ctx context.Context) ([]Image, error) {
	all, err := im.entries(ctx)
	if err != nil {
		return nil, err
	}
	sizes, err := im.layerSizes()
	if err != nil {
		return nil, err
	}
	im.warm(ctx, all)
	var out []Image
	at := map[digest.Digest]int{} // by image ID
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e.removed() {
			continue
		}
		img := im.listed(ctx, e, sizes)
		i, seen := at[img.ID]
		if !seen {
			i = len(out)
			at[img.ID] = i
			out = append(out, img)
		}
		out[i].addName(e)
	}
	for i := range out {
		out[i].sortNames()
	}
	slices.SortStableFunc(out, func(a, b Image) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// warm reads what the list needs, on all processors: most of it is parsing.
func (im *Images) warm(ctx context.Context, all []entry) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)/8) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if e := all[i]; e.manifest != "" && im.seen.get(e.manifest) == nil {
					_, _ = im.summary(ctx, e) // what is wrong with it, the list finds again
				}
			}
		})
	}
	workers.Wait()
}

// listed is load for a list: it verifies no layers.
func (im *Images) listed(ctx context.Context, e entry, sizes map[digest.Digest]int64) Image {
	s, err := im.summary(ctx, e)
	if err != nil {
		target := e.target
		target.Annotations = nil
		return Image{ID: e.target.Digest, Target: target, Damaged: reason(err)}
	}
	img := s.describe(e.target)
	for _, id := range unique(img.Layers) {
		n, ok := sizes[id]
		if !ok {
			img.Damaged = "layer " + id.String() + ": missing"
		}
		img.Size += n
	}
	return img
}

func (im *Images) layerSizes() (map[digest.Digest]int64, error) {
	layers, err := im.layers.List()
	if err != nil {
		return nil, err
	}
	sizes := make(map[digest.Digest]int64, len(layers))
	for _, l := range layers {
		sizes[l.DiffID] = l.Size
	}
	return sizes, nil
}

// addName adds what e calls the image.
func (img *Image) addName(e entry) {
	if !e.named {
		return
	}
	if e.ref.Tag != "" {
		img.Names = append(img.Names, e.ref.Familiar())
	}
	if e.pulled || e.ref.Digest != "" {
		img.RepoDigests = append(img.RepoDigests, e.ref.ByDigest(e.target.Digest).Familiar())
	}
}

func (img *Image) sortNames() {
	slices.Sort(img.Names)
	slices.Sort(img.RepoDigests)
	img.RepoDigests = slices.Compact(img.RepoDigests)
}

// withNames fills in all names that lead to img.
func (im *Images) withNames(ctx context.Context, img Image) (Image, error) {
	all, err := im.entries(ctx)
	if err != nil {
		return Image{}, err
	}
	im.nameFrom(ctx, &img, all)
	return img, nil
}

func (im *Images) nameFrom(ctx context.Context, img *Image, all []entry) {
	for _, e := range all {
		if e.removed() {
			continue
		}
		if s, err := im.summary(ctx, e); err == nil && s.config.Digest == img.ID {
			img.addName(e)
		}
	}
	img.sortNames()
}
