package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/store"
)

// What a layer is doing on its way up, in Docker's words.
const (
	actPreparing = "Preparing"
	actPushing   = "Pushing"
	actPushed    = "Pushed"
	actThere     = "Layer already exists"
	actMounted   = "Mounted from "
)

const (
	parallelUploads = 5 // layers sent at once
	mountCandidates = 3 // repositories tried as the source of a blob
)

// PushOptions say what to push.
type PushOptions struct {
	Platform string // only this platform's manifest
	AllTags  bool   // every tag of the repository
	Insecure bool   // allow plain HTTP and unverified TLS for this registry
	Quiet    bool
}

// Pushed is one name that a registry now knows.
type Pushed struct {
	Name   string // full, docker.io/library/debian:bookworm
	Tag    string
	Digest digest.Digest
	Size   int64  // of the manifest or index
	Note   string // what a person should know: not all platforms are here
}

// Push sends images to the registry of their name. Manifests and indexes go as
// they came, byte for byte, so their digests stay.
func (im *Images) Push(ctx context.Context, name string, o PushOptions, sink progress.Sink) ([]Pushed, error) {
	ref, err := tagged(name)
	if err != nil {
		return nil, err
	}
	release, err := im.s.Use(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	all, err := im.entries(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := toPush(all, name, ref, o.AllTags)
	if err != nil {
		return nil, err
	}
	p := &push{im: im, ref: ref, sink: progress.Or(sink)}
	if o.Quiet {
		p.sink = progress.Discard
	}
	if p.want, err = wanted(o.Platform); err != nil {
		return nil, err
	}
	done, err := p.run(ctx, all, chosen, o.Insecure)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return done, fmt.Errorf("pushing %s: %w", ref, ctx.Err())
	}
	return done, err
}

// toPush finds the names that are meant.
func toPush(all []entry, name string, ref reference.Ref, allTags bool) ([]entry, error) {
	if !allTags {
		if e := find(all, ref); e != nil {
			return []entry{*e}, nil
		}
		return nil, say(store.ErrNotFound, "An image does not exist locally with the tag: %s%s", ref.FamiliarName(), near(all, ref))
	}
	if err := untagged(name); err != nil {
		return nil, err
	}
	var chosen []entry
	for _, e := range all {
		if e.named && e.ref.Tag != "" && e.ref.Name() == ref.Name() {
			chosen = append(chosen, e)
		}
	}
	if len(chosen) == 0 {
		return nil, say(store.ErrNotFound, "An image does not exist locally with the tag: %s", ref.FamiliarName())
	}
	slices.SortFunc(chosen, func(a, b entry) int { return cmp.Compare(a.ref.Tag, b.ref.Tag) })
	return chosen, nil
}

// untagged refuses a name with a tag where all tags are meant.
func untagged(name string) error {
	if _, err := reference.Parse(name + ":x"); err != nil {
		return say(store.ErrInvalid, "tag can't be used with --all-tags/-a")
	}
	return nil
}

// wanted reads a platform; nil is all there are.
func wanted(s string) (*v1.Platform, error) {
	if s == "" {
		return nil, nil
	}
	p, err := platform(s)
	return &p, err
}

// push is one push on its way.
type push struct {
	im   *Images
	ref  reference.Ref
	want *v1.Platform
	sink progress.Sink
	repo *registry.Repository
	from map[digest.Digest][]string // repositories of the registry that have a blob
}

func (p *push) run(ctx context.Context, all, chosen []entry, insecure bool) ([]Pushed, error) {
	ctx = registry.WithNotice(ctx, func(remark string) { noticeTo(p.sink, p.ref.Domain, remark) })
	plans := make([]*plan, len(chosen))
	for i, e := range chosen {
		var err error
		if plans[i], err = p.im.pushPlan(ctx, e, p.want); err != nil {
			return nil, fmt.Errorf("pushing %s: %w", e.ref, err)
		}
	}
	mounts := p.candidates(ctx, all, plans)
	repo, err := p.im.reg.OpenFor(ctx, p.ref, registry.Access{Insecure: insecure, Push: true, MountFrom: mounts})
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	p.repo = repo
	var done []Pushed
	for i, e := range chosen {
		if err := p.one(ctx, plans[i], e.ref.Tag); err != nil {
			return done, err
		}
		top := plans[i].docs[len(plans[i].docs)-1].Desc
		if top.Digest == e.target.Digest {
			if err := p.im.served(ctx, e); err != nil {
				return done, err
			}
		}
		done = append(done, Pushed{Name: e.ref.Full(), Tag: e.ref.Tag, Digest: top.Digest, Size: top.Size, Note: plans[i].note})
	}
	return done, nil
}

// served notes that the registry has what a name leads to, unless the name was
// moved or taken away while that was pushed.
func (im *Images) served(ctx context.Context, e entry) error {
	unlock, err := im.lockNames(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	all, err := im.entries(ctx)
	if err != nil {
		return err
	}
	for _, now := range all {
		if now.name == e.name && now.same(e) && !now.pulled {
			now.pulled = true
			return im.setEntry(ctx, now)
		}
	}
	return nil
}

// one pushes a plan: blobs, then the manifests that name them, last the tag.
func (p *push) one(ctx context.Context, pl *plan, tag string) error {
	if err := p.blobs(ctx, pl); err != nil {
		return err
	}
	for i, doc := range pl.docs {
		target := doc.Desc.Digest.String()
		if i == len(pl.docs)-1 {
			target = tag
		}
		if err := p.repo.PutManifest(ctx, doc, target); err != nil {
			return fmt.Errorf("pushing the manifest: %w", err)
		}
	}
	return nil
}

// blobs sends what the registry lacks, a few at a time.
func (p *push) blobs(ctx context.Context, pl *plan) error {
	var meters []*meter
	for _, b := range pl.blobs {
		m := newUploadMeter(p.sink, b.Descriptor, b.config)
		meters = append(meters, m)
	}
	reporting, stop := context.WithCancel(ctx)
	var reporter sync.WaitGroup
	reporter.Go(func() { report(reporting, meters) })
	defer reporter.Wait()
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelUploads)
	for i, b := range pl.blobs {
		g.Go(func() error {
			ctx := registry.WithNotice(ctx, meters[i].note)
			action, err := p.blob(ctx, b.Descriptor, meters[i])
			if err != nil {
				meters[i].set(actFailed, progress.Failed)
				return fmt.Errorf("pushing layer %s: %w", short(b.Digest), err)
			}
			meters[i].set(action, progress.Done)
			return nil
		})
	}
	return g.Wait()
}

// blob makes the registry have one blob, in the cheapest way there is.
func (p *push) blob(ctx context.Context, d v1.Descriptor, m *meter) (string, error) {
	if there, err := p.repo.HasBlob(ctx, d.Digest); err != nil || there {
		return actThere, err
	}
	for _, from := range p.from[d.Digest] {
		if mounted, err := p.repo.Mount(ctx, d.Digest, from); err != nil {
			return "", err
		} else if mounted {
			return actMounted + from, nil
		}
	}
	m.set(actPushing, progress.Active)
	return actPushed, p.repo.Upload(ctx, registry.Source{Desc: d, Count: m.reached, Open: func(offset int64) (io.ReadCloser, error) {
		f, err := p.im.blobs.Open(d.Digest)
		if err != nil {
			return nil, err
		}
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}})
}
