package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/store"
)

// reapPatience is how long a removal waits for pulls and the like to finish.
// What it cannot delete now the next removal does.
const reapPatience = 500 * time.Millisecond

// needs is a set of content: blobs, and layers by diff-id.
type needs struct{ blobs, layers map[digest.Digest]bool }

// reap deletes what only removed images need, and returns the layers that
// went. Nobody may use the store meanwhile, so that nothing it finds free is
// about to be referred to.
func (im *Images) reap(ctx context.Context, o RemoveOptions) ([]string, error) {
	release, err := im.alone(ctx)
	if release == nil {
		return nil, err
	}
	defer release()
	all, err := im.entries(ctx)
	if err != nil {
		return nil, err
	}
	var graves []entry
	for _, e := range all {
		if e.removed() {
			graves = append(graves, e)
		}
	}
	if len(graves) == 0 {
		return nil, nil
	}
	live, err := im.live(ctx, all, o)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, e := range graves {
		layers, err := im.bury(ctx, e, live)
		gone = append(gone, layers...)
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// alone waits a little until nobody uses the store. release is nil when
// somebody still does, or on error.
func (im *Images) alone(ctx context.Context) (release func(), err error) {
	patient, cancel := context.WithTimeout(ctx, reapPatience)
	defer cancel()
	release, err = im.s.Exclusive(patient)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil
	}
	return release, err
}

// bury deletes what e needs and live does not, layers first, and the entry at
// last: until then the next removal knows what is left to do.
func (im *Images) bury(ctx context.Context, e entry, live needs) ([]string, error) {
	dead := newNeeds()
	if err := im.collect(ctx, dead, e); err != nil && !lost(err) {
		return nil, err
	}
	gone, _, err := im.drop(ctx, dead, live)
	if err != nil {
		return gone, err
	}
	return gone, im.blobs.DeleteRef(ctx, e.name)
}

// drop deletes what dead has and live does not, layers first. It returns the
// layers that went and how many bytes were freed. Precondition: nobody else
// uses the store.
func (im *Images) drop(ctx context.Context, dead, live needs) (gone []string, freed int64, err error) {
	for id := range dead.layers {
		if live.layers[id] {
			continue
		}
		size := im.layerSize(id)
		if err := im.layers.Remove(ctx, id); err != nil {
			return gone, freed, fmt.Errorf("removing layer %s: %w", id, err)
		}
		live.layers[id] = true // no second time
		gone = append(gone, id.String())
		freed += size
	}
	for d := range dead.blobs {
		if live.blobs[d] {
			continue
		}
		size, err := im.blobs.Size(d)
		if err != nil {
			size = 0
		}
		if err := im.blobs.Remove(d); err != nil {
			return gone, freed, fmt.Errorf("removing blob %s: %w", d, err)
		}
		live.blobs[d] = true
		freed += size
	}
	return gone, freed, nil
}

// layerSize is 0 for a layer that is not here.
func (im *Images) layerSize(id digest.Digest) int64 {
	l, err := im.layers.Peek(id)
	if err != nil {
		return 0
	}
	return l.Size
}

func newNeeds() needs {
	return needs{map[digest.Digest]bool{}, map[digest.Digest]bool{}}
}

// live is what the named images, the containers and other tools' entries need.
func (im *Images) live(ctx context.Context, all []entry, o RemoveOptions) (needs, error) {
	live := newNeeds()
	unnamed, err := im.unnamed()
	if err != nil {
		return live, err
	}
	for _, e := range append(all, unnamed...) {
		if e.removed() {
			continue
		}
		// A damaged image needs what can still be read of it.
		if err := im.collect(ctx, live, e); err != nil && !lost(err) {
			return live, err
		}
	}
	containers, err := o.containers(ctx)
	if err != nil {
		return live, fmt.Errorf("which containers use layers: %w", err)
	}
	for _, c := range containers {
		for _, id := range c.Layers {
			live.layers[id] = true
		}
	}
	return live, nil
}

// lost says that content is missing or wrong, as opposed to not readable now.
func lost(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrInvalid)
}

// collect adds what an entry needs: every document below its target that is
// here, with configs and layers.
func (im *Images) collect(ctx context.Context, n needs, e entry) error {
	err := im.descend(ctx, n, e.target.Digest, 0)
	if e.manifest != "" && e.manifest != e.target.Digest {
		err = errors.Join(err, im.descend(ctx, n, e.manifest, 0))
	}
	return err
}

func (im *Images) descend(ctx context.Context, n needs, d digest.Digest, depth int) error {
	n.blobs[d] = true
	if !im.blobs.Has(d) || depth > maxDepth {
		return nil
	}
	doc, err := im.document(d)
	if err != nil {
		if lost(err) {
			return nil
		}
		return err
	}
	if doc.Index != nil {
		for _, m := range doc.Index.Manifests {
			err = errors.Join(err, im.descend(ctx, n, m.Digest, depth+1))
		}
		return err
	}
	n.blobs[doc.Manifest.Config.Digest] = true
	for _, l := range doc.Manifest.Layers {
		n.blobs[l.Digest] = true
	}
	raw, err := im.blobs.ReadSmall(doc.Manifest.Config.Digest, maxDocument)
	if err != nil {
		return err
	}
	conf, err := parseConfig(raw, len(doc.Manifest.Layers))
	for _, id := range conf.RootFS.DiffIDs {
		n.layers[id] = true
	}
	return err
}

// unnamed lists what other tools put into index.json without a name.
func (im *Images) unnamed() ([]entry, error) {
	raw, err := os.ReadFile(im.s.Path(v1.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ix v1.Index
	if err := json.Unmarshal(raw, &ix); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", v1.ImageIndexFile, store.ErrDamaged, err)
	}
	var out []entry
	for _, m := range ix.Manifests {
		if m.Annotations[v1.AnnotationRefName] == "" && m.Digest.Validate() == nil {
			out = append(out, entry{target: m})
		}
	}
	return out, nil
}
