package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/atomicfile"
	"gantry/store"
)

// Docker's list of manifests, for when all of them are Docker's too.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// draft is a list of manifests that is being put together. It lies in
// manifests/<digest of its name>.json and holds the manifests themselves, so
// that nothing that is removed takes from it.
type draft struct {
	Name    string       `json:"name"` // full
	Members []DraftEntry `json:"members"`
}

// DraftEntry is one manifest of a draft.
type DraftEntry struct {
	Ref   string        `json:"ref"` // full, where it came from
	Desc  v1.Descriptor `json:"descriptor"`
	Raw   []byte        `json:"raw"`
	Local bool          `json:"local,omitempty"` // its blobs are in the store
}

// Annotation is what a list says about a manifest; empty fields change nothing.
type Annotation struct {
	OS, Architecture, Variant, OSVersion string
	OSFeatures                           []string
}

func (im *Images) draftPath(ref reference.Ref) string {
	return im.s.Path("manifests", digest.FromString(ref.Full()).Encoded()+".json")
}

// draft reads a draft; the error is ErrNotFound when there is none.
func (im *Images) draft(ref reference.Ref) (*draft, error) {
	data, err := os.ReadFile(im.draftPath(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, say(store.ErrNotFound, "No such manifest: %s", ref.Familiar())
	}
	if err != nil {
		return nil, err
	}
	d := &draft{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("manifest list %s is %w", ref.Familiar(), store.ErrDamaged)
	}
	return d, nil
}

// changeDraft is the only way to write one. A draft that do makes nil goes.
func (im *Images) changeDraft(ctx context.Context, ref reference.Ref, do func(*draft) (*draft, error)) error {
	if err := im.s.Writable(); err != nil {
		return err
	}
	if err := store.Mkdir(im.s.Path("manifests")); err != nil {
		return err
	}
	l, err := im.s.Lock(ctx, store.Images, "drafts")
	if err != nil {
		return err
	}
	defer l.Unlock()
	old, err := im.draft(ref)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	next, err := do(old)
	switch {
	case err != nil:
		return err
	case next == nil:
		return os.Remove(im.draftPath(ref))
	}
	return atomicfile.WriteJSON(im.draftPath(ref), next, 0o600, atomicfile.PowerCut)
}

// CreateList starts a list of manifests from images that are here or in
// registries, or with amend adds to it. It returns the list's full name.
func (im *Images) CreateList(ctx context.Context, name string, members []string, amend, insecure bool) (string, error) {
	ref, err := tagged(name)
	if err != nil {
		return "", err
	}
	var found []DraftEntry
	for _, m := range members {
		e, err := im.member(ctx, m, insecure)
		if err != nil {
			return "", err
		}
		found = append(found, e)
	}
	return ref.Full(), im.changeDraft(ctx, ref, func(d *draft) (*draft, error) {
		if d != nil && !amend {
			return nil, say(store.ErrExists, "refusing to amend an existing manifest list with no --amend flag")
		}
		if d == nil {
			d = &draft{Name: ref.Full()}
		}
		for _, e := range found {
			d.Members = slices.DeleteFunc(d.Members, func(o DraftEntry) bool { return o.Desc.Digest == e.Desc.Digest })
			d.Members = append(d.Members, e)
		}
		return d, nil
	})
}

// member finds the manifest of an image, here or at its registry.
func (im *Images) member(ctx context.Context, name string, insecure bool) (DraftEntry, error) {
	if _, e, err := im.resolve(ctx, name); err == nil && e != nil {
		s, err := im.summary(ctx, *e)
		if err != nil {
			return DraftEntry{}, err
		}
		raw, err := im.blobs.ReadSmall(s.desc.Digest, maxDocument)
		return newMember(e.ref, s.desc, raw, s.image, true), err
	}
	ref, err := reference.Parse(name)
	if err != nil {
		return DraftEntry{}, err
	}
	repo, err := im.reg.Open(ctx, ref, insecure)
	if err != nil {
		return DraftEntry{}, err
	}
	defer repo.Close()
	doc, err := repo.Manifest(ctx, ref.Target())
	if err != nil {
		return DraftEntry{}, err
	}
	if doc.Manifest == nil {
		return DraftEntry{}, say(store.ErrInvalid, "%s is a manifest list: name the manifests in it by digest", ref)
	}
	raw, err := repo.Small(ctx, doc.Manifest.Config)
	if err != nil {
		return DraftEntry{}, err
	}
	conf, err := parseConfig(raw, len(doc.Manifest.Layers))
	return newMember(ref, doc.Desc, doc.Raw, conf, false), err
}

func newMember(ref reference.Ref, d v1.Descriptor, raw []byte, conf v1.Image, local bool) DraftEntry {
	p := conf.Platform
	desc := v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Platform: &p}
	return DraftEntry{Ref: ref.Full(), Desc: desc, Raw: raw, Local: local}
}

// Annotate changes what a list says about one of its manifests.
func (im *Images) Annotate(ctx context.Context, list, manifest string, a Annotation) error {
	ref, err := tagged(list)
	if err != nil {
		return err
	}
	member, err := reference.Parse(manifest)
	if err != nil {
		return err
	}
	return im.changeDraft(ctx, ref, func(d *draft) (*draft, error) {
		if d == nil {
			return nil, say(store.ErrNotFound, "No such manifest: %s", ref.Familiar())
		}
		at := slices.IndexFunc(d.Members, func(e DraftEntry) bool {
			return e.Ref == member.Full() || member.Digest != "" && e.Desc.Digest == member.Digest
		})
		if at < 0 {
			return nil, say(store.ErrNotFound, "manifest for image %s does not exist in %s", member.Familiar(), ref.Familiar())
		}
		a.apply(d.Members[at].Desc.Platform)
		return d, nil
	})
}

func (a Annotation) apply(p *v1.Platform) {
	for to, v := range map[*string]string{&p.OS: a.OS, &p.Architecture: a.Architecture, &p.Variant: a.Variant, &p.OSVersion: a.OSVersion} {
		if v != "" {
			*to = v
		}
	}
	p.OSFeatures = unique(append(p.OSFeatures, a.OSFeatures...))
}

// index is the list as it would be pushed.
func (d *draft) index() (*registry.Document, error) {
	if len(d.Members) == 0 {
		return nil, say(store.ErrInvalid, "the manifest list is empty")
	}
	ix := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: dockerList}
	for _, e := range d.Members {
		if e.Desc.Platform == nil || e.Desc.Platform.OS == "" || e.Desc.Platform.Architecture == "" {
			return nil, say(store.ErrInvalid, "manifest %s must have an OS and architecture: use manifest annotate", e.Ref)
		}
		if e.Desc.MediaType != dockerManifest {
			ix.MediaType = v1.MediaTypeImageIndex
		}
		ix.Manifests = append(ix.Manifests, e.Desc)
	}
	raw, err := json.MarshalIndent(ix, "", "   ")
	if err != nil {
		return nil, err
	}
	return registry.ParseDocument(bytes.TrimSpace(raw), ix.MediaType)
}

// RemoveList forgets a draft.
func (im *Images) RemoveList(ctx context.Context, name string) error {
	ref, err := tagged(name)
	if err != nil {
		return err
	}
	return im.changeDraft(ctx, ref, func(d *draft) (*draft, error) {
		if d == nil {
			return nil, say(store.ErrNotFound, "No such manifest: %s", ref.Familiar())
		}
		return nil, nil
	})
}
