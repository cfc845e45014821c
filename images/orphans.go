package images

import (
	"context"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// orphans are content that nothing needs: left by pulls and loads that did not
// finish, for the next attempt, or by removals that were interrupted.
func (v *verification) orphans(ctx context.Context) error {
	all, err := v.im.everything()
	if err != nil {
		return err
	}
	orphans := newNeeds()
	for _, d := range sorted(all.blobs) {
		if !v.needs.blobs[d] {
			orphans.blobs[d] = true
			size, err := v.im.blobs.Size(d)
			if err != nil {
				size = 0
			}
			v.orphan("blob "+d.String(), size)
		}
	}
	for _, id := range sorted(all.layers) {
		if !v.needs.layers[id] {
			orphans.layers[id] = true
			v.orphan("layer "+id.String(), v.im.layerSize(id))
		}
	}
	if v.o.Repair {
		if _, _, err := v.im.drop(ctx, orphans, v.needs); err != nil {
			return err
		}
	}
	return v.strays(ctx)
}

// strays are directories among the layers that hold no layer.
func (v *verification) strays(ctx context.Context) error {
	names, err := v.im.layers.Strays()
	if err != nil {
		return err
	}
	for _, name := range names {
		if v.needs.layers[digest.NewDigestFromEncoded(digest.SHA256, name)] {
			continue // reported as damaged already
		}
		if v.o.Repair {
			if err := v.im.layers.RemoveStray(ctx, name); err != nil {
				return err
			}
		}
		v.orphan("layers/"+name, 0)
	}
	return nil
}

func (v *verification) orphan(id string, size int64) {
	p := Problem{Kind: "orphan", ID: id, Bytes: size, Detail: "nothing needs it", Repaired: v.o.Repair}
	if !p.Repaired {
		p.Fix = "image prune deletes it"
	}
	v.report(p)
}

// sorted lists the keys of a map in one order.
func sorted[V any](m map[digest.Digest]V) []digest.Digest { return slices.Sorted(maps.Keys(m)) }

func descriptor(d digest.Digest) v1.Descriptor { return v1.Descriptor{Digest: d} }
