package images

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"gantry/internal/progress"
	"gantry/internal/termsafe"
	"gantry/store"
)

// VerifyOptions say what to do about what is wrong.
type VerifyOptions struct {
	Repair bool
	// Containers lists all containers; nil means that there are none.
	Containers func(context.Context) ([]ContainerUse, error)
}

// Problem is something wrong in the store.
type Problem struct {
	Kind     string   // blob, layer, document, container or orphan
	ID       string   // digest, or what there is of a name
	Images   []string // that need it: names, or short IDs
	Detail   string
	Bytes    int64 // of an orphan
	Repaired bool
	Fix      string // what to do, when it was not repaired
}

// Verify reads everything that images and containers need and compares it with
// its digests, and layers with their indexes. With Repair, layers are unpacked
// again from whole blobs, damaged blobs are taken away so that a pull brings
// them anew, and what nothing needs is deleted. The caller must not hold the
// store.
func (im *Images) Verify(ctx context.Context, o VerifyOptions, sink progress.Sink) ([]Problem, error) {
	hold := im.s.Use
	if o.Repair {
		hold = im.s.Exclusive
	}
	release, err := hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	v := &verification{
		im: im, o: o, sink: progress.Or(sink),
		owners: map[digest.Digest][]string{}, of: map[digest.Digest]digest.Digest{}, badBlobs: map[digest.Digest]bool{},
	}
	if v.used, err = (RemoveOptions{Containers: o.Containers}).containers(ctx); err != nil {
		return nil, fmt.Errorf("which containers use layers: %w", err)
	}
	for _, check := range []func(context.Context) error{v.documents, v.blobs, v.layers, v.orphans} {
		if err := check(ctx); err != nil {
			return v.found, err
		}
	}
	return v.found, nil
}

// verification is one Verify on its way.
type verification struct {
	im       *Images
	o        VerifyOptions
	sink     progress.Sink
	used     []ContainerUse
	owners   map[digest.Digest][]string      // blob or layer → images
	of       map[digest.Digest]digest.Digest // layer → a blob of it
	needs    needs                           // of images and containers
	badBlobs map[digest.Digest]bool
	found    []Problem
}

func (v *verification) report(p Problem) {
	p.Detail = termsafe.Line(p.Detail)
	v.found = append(v.found, p)
}

// documents reads manifests, indexes and configs, and learns who needs what.
func (v *verification) documents(ctx context.Context) error {
	all, err := v.im.entries(ctx)
	if err != nil {
		return err
	}
	if v.needs, err = v.im.live(ctx, all, RemoveOptions{Containers: v.o.Containers}); err != nil {
		return err
	}
	for _, e := range all {
		if e.removed() {
			continue
		}
		s, err := v.im.summary(ctx, e)
		if err == nil { // what is remembered may be gone since
			err = v.reread(s, e)
		}
		if err != nil {
			v.report(Problem{
				Kind: "document", ID: e.target.Digest.String(), Images: []string{display(e)}, Detail: reason(err),
				Fix: "pull " + display(e) + " again, or remove it",
			})
			continue
		}
		for i, d := range s.blobs {
			v.own(d.Digest, e)
			v.own(s.image.RootFS.DiffIDs[i], e)
			v.of[s.image.RootFS.DiffIDs[i]] = d.Digest
		}
	}
	return nil
}

func (v *verification) reread(s *summary, e entry) error {
	for _, d := range []digest.Digest{s.desc.Digest, s.config.Digest, e.target.Digest} {
		if _, err := v.im.blobs.ReadSmall(d, maxDocument); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) own(d digest.Digest, e entry) {
	if name := display(e); !slices.Contains(v.owners[d], name) {
		v.owners[d] = append(v.owners[d], name)
	}
}

// display is how an entry is called.
func display(e entry) string {
	if e.named {
		return e.ref.Familiar()
	}
	return short(e.target.Digest)
}

// blobs reads the layers' blobs.
func (v *verification) blobs(ctx context.Context) error {
	all := map[digest.Digest]bool{}
	for _, d := range v.of {
		all[d] = true
	}
	for _, d := range sorted(all) {
		v.step("blob", d)
		err := v.im.blobs.Verify(ctx, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		v.badBlobs[d] = true
		p := Problem{Kind: "blob", ID: d.String(), Images: v.owners[d], Detail: reason(err)}
		p.Fix = fmt.Sprintf("pull or load %s again", first(p.Images))
		if v.o.Repair && errors.Is(err, store.ErrDamaged) {
			if err := v.im.blobs.Remove(d); err != nil {
				return err
			}
			p.Detail += "; taken away"
		}
		v.report(p)
	}
	return nil
}

// layers compares the layers with their indexes.
func (v *verification) layers(ctx context.Context) error {
	for _, id := range sorted(v.needs.layers) {
		v.step("layer", id)
		err := v.im.layers.Verify(ctx, id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		p := Problem{Kind: "layer", ID: id.String(), Images: v.owners[id], Detail: reason(err)}
		for _, c := range v.used {
			if len(p.Images) == 0 && slices.Contains(c.Layers, id) {
				p.Kind, p.Detail = "container", "container "+c.Name+" needs the layer: "+p.Detail
				break
			}
		}
		if err := v.mend(ctx, id, &p); err != nil {
			return err
		}
		v.report(p)
	}
	return nil
}

// mend unpacks a damaged layer again if its blob is whole and nobody looks.
func (v *verification) mend(ctx context.Context, id digest.Digest, p *Problem) error {
	blob, known := v.of[id]
	running := slices.IndexFunc(v.used, func(c ContainerUse) bool { return c.Running && slices.Contains(c.Layers, id) })
	switch {
	case !known || v.badBlobs[blob]:
		p.Fix = fmt.Sprintf("pull or load %s again", first(p.Images))
		if !v.o.Repair || running >= 0 {
			return nil
		}
		// A pull that finds a layer does not look into it.
		p.Detail += "; taken away"
		return v.im.layers.Remove(ctx, id)
	case running >= 0:
		p.Fix = "stop container " + v.used[running].Name + ", then verify --repair"
		return nil
	case !v.o.Repair:
		p.Fix = "verify --repair unpacks it again"
		return nil
	}
	if err := v.im.layers.Remove(ctx, id); err != nil {
		return err
	}
	if err := v.im.unpackBlob(ctx, StoredLayer{DiffID: id, Blob: descriptor(blob)}); err != nil {
		p.Fix = fmt.Sprintf("pull or load %s again", first(p.Images))
		p.Detail += "; unpacking it again: " + err.Error()
		return ctx.Err()
	}
	p.Repaired = true
	return nil
}

func first(names []string) string {
	if len(names) == 0 {
		return "the image"
	}
	return names[0]
}

func (v *verification) step(kind string, d digest.Digest) {
	v.sink.Step(progress.Step{ID: "verify", Name: kind, Action: d.String(), State: progress.Active})
}
