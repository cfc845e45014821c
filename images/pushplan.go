package images

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/store"
)

// plan is what a push sends: blobs in any order, then documents in this one.
type plan struct {
	blobs []planned
	docs  []*registry.Document // the tag's own last
	note  string
	seen  map[digest.Digest]bool
}

type planned struct {
	v1.Descriptor
	config bool
}

// pushPlan decides what of an entry is pushed: all of it, or of an index that is
// not whole here, or of which one platform is wanted, that platform's manifest.
func (im *Images) pushPlan(ctx context.Context, e entry, want *v1.Platform) (*plan, error) {
	whole := &plan{seen: map[digest.Digest]bool{}}
	missing := im.include(whole, e.target, 1)
	if missing == nil && want == nil {
		return whole, nil
	}
	s, err := im.summary(ctx, e)
	if err != nil {
		return nil, err
	}
	single := s.desc
	if want != nil {
		if single, err = im.platformOf(ctx, e, s, *want); err != nil {
			return nil, err
		}
	}
	part := &plan{seen: map[digest.Digest]bool{}}
	if err := im.include(part, single, 1); err != nil {
		return nil, err
	}
	if want == nil && single.Digest != e.target.Digest {
		part.note = fmt.Sprintf("Not all multiplatform-content is present and only the available single-platform image was pushed: %s -> %s (%s)",
			e.target.Digest, single.Digest, platformName(normal(s.image.Platform)))
	}
	return part, nil
}

// platformOf finds the manifest for a platform.
func (im *Images) platformOf(ctx context.Context, e entry, s *summary, want v1.Platform) (v1.Descriptor, error) {
	doc, err := im.document(e.target.Digest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if doc.Index == nil {
		if fit(want, s.image.Platform) == 0 {
			return v1.Descriptor{}, say(store.ErrInvalid, "image is %s, asked for is %s",
				platformName(normal(s.image.Platform)), platformName(want))
		}
		return s.desc, nil
	}
	return choose(ctx, doc.Index, want, func(_ context.Context, d v1.Descriptor) (*v1.Index, error) {
		child, err := im.document(d.Digest)
		if err != nil {
			return nil, nil //nolint:nilerr // not here: not a candidate
		}
		return child.Index, nil
	})
}

// include adds what d leads to. The error says what is not here. Documents are
// read loosely: they were checked when they came, and what an index holds
// besides images, such as attestations, goes along.
func (im *Images) include(p *plan, d v1.Descriptor, depth int) error {
	if p.seen[d.Digest] {
		return nil
	}
	if depth > maxDepth {
		return say(store.ErrInvalid, "the image's indexes are nested too deep")
	}
	raw, err := im.blobs.ReadSmall(d.Digest, maxDocument)
	if err != nil {
		return err
	}
	var doc struct {
		MediaType string
		Config    *v1.Descriptor
		Layers    []v1.Descriptor
		Manifests []v1.Descriptor
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return say(store.ErrDamaged, "manifest %s is damaged", d.Digest)
	}
	if doc.MediaType != "" {
		d.MediaType = doc.MediaType
	}
	p.seen[d.Digest] = true
	for _, child := range doc.Manifests {
		if err := im.include(p, child, depth+1); err != nil {
			return err
		}
	}
	for _, l := range doc.Layers {
		if err := im.includeBlob(p, planned{l, false}); err != nil {
			return err
		}
	}
	if doc.Config != nil {
		if err := im.includeBlob(p, planned{*doc.Config, true}); err != nil {
			return err
		}
	}
	p.docs = append(p.docs, &registry.Document{Raw: raw, Desc: v1.Descriptor{
		MediaType: d.MediaType, Digest: d.Digest, Size: int64(len(raw)),
	}})
	return nil
}

func (im *Images) includeBlob(p *plan, b planned) error {
	if p.seen[b.Digest] {
		return nil
	}
	size, err := im.blobs.Size(b.Digest)
	if err != nil && strings.Contains(b.MediaType, "nondistributable") || err != nil && len(b.URLs) > 0 {
		return nil // registries do without
	}
	if err != nil {
		return err
	}
	if size != b.Size {
		return say(store.ErrDamaged, "blob %s is damaged: it has %d bytes, its manifest says %d", b.Digest, size, b.Size)
	}
	p.seen[b.Digest] = true
	p.blobs = append(p.blobs, b)
	return nil
}

// candidates notes which other repositories of the registry have which blobs,
// and returns those that have the most.
func (p *push) candidates(ctx context.Context, all []entry, plans []*plan) []string {
	p.from = map[digest.Digest][]string{}
	has := map[string]map[digest.Digest]bool{}
	for _, e := range all {
		if !e.named || !e.pulled || e.ref.Domain != p.ref.Domain || e.ref.Path == p.ref.Path {
			continue
		}
		s, err := p.im.summary(ctx, e)
		if err != nil {
			continue
		}
		if has[e.ref.Path] == nil {
			has[e.ref.Path] = map[digest.Digest]bool{}
		}
		for _, b := range append(slices.Clone(s.blobs), s.config) {
			for _, pl := range plans {
				if pl.seen[b.Digest] {
					has[e.ref.Path][b.Digest] = true
				}
			}
		}
	}
	var paths []string
	for path, blobs := range has {
		if len(blobs) > 0 {
			paths = append(paths, path)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(len(has[b])-len(has[a]), cmp.Compare(a, b)) })
	paths = paths[:min(len(paths), mountCandidates)]
	for _, path := range paths {
		for d := range has[path] {
			p.from[d] = append(p.from[d], path)
		}
	}
	return paths
}

// newUploadMeter is a layer's meter on the way up. A config shows nothing.
func newUploadMeter(sink progress.Sink, d v1.Descriptor, config bool) *meter {
	if config {
		sink = progress.Discard
	}
	id := d.Digest.Encoded()[:12]
	m := &meter{sink: sink, step: progress.Step{ID: id, Name: id, Total: d.Size}}
	m.set(actPreparing, progress.Waiting)
	return m
}

// reached sets how much is sent.
func (m *meter) reached(n int64) {
	m.at(n)
	m.add(0)
}

// noticeTo shows waits that belong to no layer as a step of the whole.
func noticeTo(sink progress.Sink, host, remark string) {
	s := progress.Step{ID: "registry", Name: host, Action: actWaiting, Detail: remark, State: progress.Active}
	if remark == "" {
		s.Action, s.State = "Connected", progress.Done
	}
	sink.Step(s)
}
