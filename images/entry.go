package images

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/reference"
	"gantry/store"
)

// What we note beside a name in index.json.
const (
	noteManifest = "gantry.manifest" // which manifest of an index the name means
	notePulled   = "gantry.pulled"   // the registry serves the target under this repository
)

// Names that keep an image without showing. A dangling image lost its last
// name to another one; a removed image is about to go, see reap.
const (
	danglingPrefix = "dangling@"
	removedPrefix  = "removed@"
)

// entry is one name in index.json.
type entry struct {
	name     string // full reference, or with one of the prefixes
	ref      reference.Ref
	named    bool // ref is valid and shown
	target   v1.Descriptor
	manifest digest.Digest // "" when another tool wrote the entry
	pulled   bool
}

// same reports whether two names lead to the same image in the same way.
func (e entry) same(o entry) bool {
	return e.target.Digest == o.target.Digest && e.manifest == o.manifest
}

func (e entry) removed() bool { return strings.HasPrefix(e.name, removedPrefix) }

// entries lists index.json.
func (im *Images) entries(ctx context.Context) ([]entry, error) {
	refs, err := im.blobs.Refs(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the names of images: %w", err)
	}
	out := make([]entry, 0, len(refs))
	for _, r := range refs {
		e := entry{
			name: r.Name, target: r.Desc,
			manifest: digest.Digest(r.Desc.Annotations[noteManifest]),
			pulled:   r.Desc.Annotations[notePulled] != "",
		}
		if e.manifest.Validate() != nil {
			e.manifest = ""
		}
		if !strings.HasPrefix(r.Name, danglingPrefix) && !e.removed() {
			ref, err := reference.Parse(r.Name)
			e.ref, e.named = ref, err == nil
		}
		out = append(out, e)
	}
	return out, nil
}

// point makes e.name lead to e's image and reports whether that is a change.
// An image that loses its last name so stays, dangling.
func (im *Images) point(ctx context.Context, e entry) (bool, error) {
	unlock, err := im.lockNames(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	all, err := im.entries(ctx)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(all, func(o entry) bool { return o.name == e.name })
	if at >= 0 && all[at].same(e) && (all[at].pulled || !e.pulled) {
		return false, nil
	}
	fresh := at < 0 || !all[at].same(e)
	if at >= 0 && fresh {
		if err := im.anchor(ctx, all, all[at]); err != nil {
			return false, err
		}
	}
	if err := im.setEntry(ctx, e); err != nil {
		return false, err
	}
	for _, o := range all {
		if strings.HasPrefix(o.name, danglingPrefix) && o.same(e) {
			return fresh, im.blobs.DeleteRef(ctx, o.name)
		}
	}
	return fresh, nil
}

// anchor keeps the image that old leads to when old is its only name: under
// its digest if a registry knows that, else as dangling.
func (im *Images) anchor(ctx context.Context, all []entry, old entry) error {
	for _, o := range all {
		if o.name != old.name && o.same(old) && !o.removed() {
			return nil
		}
	}
	keep := old
	keep.name = danglingPrefix + old.target.Digest.String()
	if old.manifest != "" {
		keep.name = danglingPrefix + old.manifest.String()
	}
	if byDigest := old.ref.ByDigest(old.target.Digest).Full(); old.pulled && old.named &&
		!slices.ContainsFunc(all, func(o entry) bool { return o.name == byDigest }) {
		keep.name = byDigest
	}
	return im.setEntry(ctx, keep)
}

func (im *Images) setEntry(ctx context.Context, e entry) error {
	desc := e.target
	desc.Annotations = maps.Clone(desc.Annotations)
	if desc.Annotations == nil {
		desc.Annotations = map[string]string{}
	}
	delete(desc.Annotations, notePulled)
	notes := map[string]string{}
	if e.manifest != "" {
		notes[noteManifest] = e.manifest.String()
	}
	if e.pulled {
		notes[notePulled] = "true"
	}
	return im.blobs.SetRef(ctx, e.name, desc, notes)
}

// lockNames keeps others from moving names between our look and our change.
func (im *Images) lockNames(ctx context.Context) (func(), error) {
	l, err := im.s.Lock(ctx, store.Images, "names")
	if err != nil {
		return nil, err
	}
	return l.Unlock, nil
}
