package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/internal/termsafe"
	"gantry/store"
)

// parallelLayers is how many layers are fetched and unpacked at once.
const parallelLayers = 3

// Pull fetches ref from its registry, whatever is here already, and gives the
// image its name once it is complete. Cancelling ctx keeps what came of each
// layer for the next attempt.
func (im *Images) Pull(ctx context.Context, name string, o PullOptions, sink progress.Sink) (Image, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return Image{}, err
	}
	want, err := platform(o.Platform)
	if err != nil {
		return Image{}, err
	}
	release, err := im.s.Use(ctx)
	if err != nil {
		return Image{}, err
	}
	defer release()
	p := &pull{im: im, ref: ref, want: want, explicit: o.Platform != "", sink: progress.Or(sink)}
	if o.Quiet {
		p.sink = progress.Discard
	}
	img, err := p.run(ctx, o.Insecure)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return Image{}, fmt.Errorf("pulling %s: %w", ref, ctx.Err())
	}
	return img, err
}

// pull is one pull on its way.
type pull struct {
	im       *Images
	ref      reference.Ref
	want     v1.Platform
	explicit bool
	look     bool // keep nothing: somebody only looks
	sink     progress.Sink
	repo     *registry.Repository

	top      *registry.Document // what the registry served for the name
	between  []*registry.Document
	manifest *registry.Document // of the platform; top itself or below it
	rawConf  []byte
	config   v1.Image
}

func (p *pull) run(ctx context.Context, insecure bool) (Image, error) {
	ctx = registry.WithNotice(ctx, p.notice)
	target := p.ref.Tag
	if p.ref.Digest != "" {
		target = p.ref.ByDigest(p.ref.Digest).Full()
	}
	p.sink.Log(progress.Log{Line: fmt.Sprintf("%s: Pulling from %s", target, p.ref.Path)})
	if err := p.fetch(ctx, p.im.reg.Places(p.ref, insecure)); err != nil {
		return Image{}, err
	}
	fresh, err := p.store(ctx)
	if err != nil {
		return Image{}, err
	}
	img, err := p.im.load(ctx, entry{target: p.top.Desc, manifest: p.manifest.Desc.Digest})
	if err != nil {
		return Image{}, err
	}
	p.sink.Log(progress.Log{Line: "Digest: " + p.top.Desc.Digest.String()})
	status := "Image is up to date for "
	if fresh {
		status = "Downloaded newer image for "
	}
	p.sink.Log(progress.Log{Line: "Status: " + status + p.ref.Familiar()})
	return p.im.withNames(ctx, img)
}

// fetch gets the image from the first of the places that can give all of it:
// mirrors, and then its registry. What one began, the next goes on with.
func (p *pull) fetch(ctx context.Context, places []registry.Place) error {
	for i, at := range places {
		err := p.fetchFrom(ctx, at)
		if err == nil || i == len(places)-1 || ctx.Err() != nil {
			return err
		}
		p.sink.Step(progress.Step{ID: "mirror " + at.Ref.Name(), Name: "mirror " + at.Ref.Domain, State: progress.Failed,
			Action: termsafe.Line(fmt.Sprintf("%s; trying %s", err, places[i+1].Ref.Domain))})
	}
	return nil
}

func (p *pull) fetchFrom(ctx context.Context, at registry.Place) error {
	repo, err := p.im.reg.OpenPlace(ctx, at)
	if err != nil {
		return err
	}
	defer repo.Close()
	p.repo, p.between = repo, nil
	if err := p.documents(ctx); err != nil {
		return p.suggest(ctx, err)
	}
	return p.layers(ctx)
}

// notice shows waits that belong to no layer as a step of the whole pull.
func (p *pull) notice(remark string) { noticeTo(p.sink, p.ref.Domain, remark) }

// documents fetches and checks everything but the layers.
func (p *pull) documents(ctx context.Context) (err error) {
	if p.top, err = p.repo.Manifest(ctx, p.ref.Target()); err != nil {
		return err
	}
	p.manifest = p.top
	if p.top.Index != nil {
		if p.manifest, err = p.fromIndex(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.ref, err)
		}
	}
	conf := p.manifest.Manifest.Config
	if p.rawConf, err = p.configBlob(ctx, conf); err != nil {
		return err
	}
	if p.config, err = parseConfig(p.rawConf, len(p.manifest.Manifest.Layers)); err != nil {
		return fmt.Errorf("%s: %w", p.ref, err)
	}
	if have := p.config.Platform; have.OS != "" && fit(p.want, have) == 0 {
		return say(store.ErrInvalid, "%s: image is %s, %s is %s", p.ref, platformName(normal(have)), p.asked(),
			platformName(p.want))
	}
	return nil
}

// configBlob returns the config, from the store or else from the registry.
// Another pull of it is waited for, so that it crosses the wire once.
func (p *pull) configBlob(ctx context.Context, conf v1.Descriptor) ([]byte, error) {
	if data, err := p.im.blobs.ReadSmall(conf.Digest, maxDocument); err == nil {
		return data, nil
	}
	if p.look {
		return p.repo.Small(ctx, conf)
	}
	part, err := p.im.blobs.Partial(ctx, conf.Digest, conf.Size)
	if err != nil {
		return nil, err
	}
	defer part.Close()
	if part.Existing() {
		if data, err := p.im.blobs.ReadSmall(conf.Digest, maxDocument); err == nil {
			return data, nil
		}
		return p.repo.Small(ctx, conf) // the stored one is damaged; store writes it anew
	}
	data, err := p.repo.Small(ctx, conf)
	if err != nil {
		return nil, err
	}
	if err := part.Reset(); err != nil {
		return nil, err
	}
	if _, err := part.Write(data); err != nil {
		return nil, err
	}
	return data, part.Commit()
}

func (p *pull) asked() string {
	if p.explicit {
		return "asked for"
	}
	return "this machine"
}

func (p *pull) fromIndex(ctx context.Context) (*registry.Document, error) {
	chosen, err := choose(ctx, p.top.Index, p.want, func(ctx context.Context, d v1.Descriptor) (*v1.Index, error) {
		doc, err := p.repo.Child(ctx, d)
		if err != nil {
			return nil, err
		}
		if doc.Index != nil {
			p.between = append(p.between, doc)
		}
		return doc.Index, nil
	})
	if err != nil {
		return nil, err
	}
	doc, err := p.repo.Child(ctx, chosen)
	if err == nil && doc.Manifest == nil {
		err = say(store.ErrInvalid, "%s is an index where a manifest should be", chosen.Digest)
	}
	return doc, err
}

// layers fetches what is missing of the layers, a few at a time.
func (p *pull) layers(ctx context.Context) error {
	var jobs []*job
	seen := map[digest.Digest]bool{}
	for i, d := range p.manifest.Manifest.Layers {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		m := newMeter(p.sink, d)
		jobs = append(jobs, &job{
			im: p.im, blob: d, diffID: p.config.RootFS.DiffIDs[i], meter: m, from: p.repo.Blob,
			words: words{actDownloading, actComplete},
		})
	}
	return runJobs(ctx, jobs)
}

// runJobs brings layers in, a few at a time, and reports on them regularly.
func runJobs(ctx context.Context, jobs []*job) error {
	var meters []*meter
	for _, j := range jobs {
		meters = append(meters, j.meter)
	}
	reporting, stop := context.WithCancel(ctx)
	var reporter sync.WaitGroup
	reporter.Go(func() { report(reporting, meters) })
	defer reporter.Wait()
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelLayers)
	for _, j := range jobs {
		j.meter.set(actWaiting, progress.Waiting)
	}
	for _, j := range jobs {
		g.Go(func() error { return j.run(ctx) })
	}
	return g.Wait()
}

// store keeps the documents, then the name. It reports whether the name leads
// to something new.
func (p *pull) store(ctx context.Context) (fresh bool, err error) {
	if err := p.im.putSmall(ctx, p.manifest.Manifest.Config, p.rawConf); err != nil {
		return false, err
	}
	for _, d := range append([]*registry.Document{p.manifest, p.top}, p.between...) {
		if err := p.im.putSmall(ctx, d.Desc, d.Raw); err != nil {
			return false, err
		}
	}
	e := entry{name: p.ref.Full(), target: p.top.Desc, manifest: p.manifest.Desc.Digest, pulled: true}
	if p.ref.Digest != "" { // a tag beside a digest was never asked for
		e.name = p.ref.ByDigest(p.ref.Digest).Full()
	}
	return p.im.point(ctx, e)
}

func (im *Images) putSmall(ctx context.Context, d v1.Descriptor, raw []byte) error {
	if im.blobs.Has(d.Digest) {
		if have, err := im.blobs.ReadSmall(d.Digest, maxDocument); err == nil && bytes.Equal(have, raw) {
			return nil
		}
	}
	_, err := im.blobs.Put(ctx, d, bytes.NewReader(raw))
	return err
}

// maxDocument bounds manifests, indexes and configs.
const maxDocument = 4 << 20

// parseConfig reads an image's config and checks what we build on.
func parseConfig(raw []byte, layers int) (v1.Image, error) {
	var c v1.Image
	if err := json.Unmarshal(raw, &c); err != nil {
		return v1.Image{}, say(store.ErrInvalid, "the image's config is not one")
	}
	if n := len(c.RootFS.DiffIDs); n != layers {
		return v1.Image{}, say(store.ErrInvalid, "the image's config names %d layers, its manifest %d", n, layers)
	}
	for _, id := range c.RootFS.DiffIDs {
		if id.Validate() != nil || id.Algorithm() != digest.SHA256 {
			return v1.Image{}, say(store.ErrInvalid, "the image's config has a malformed layer digest")
		}
	}
	return c, nil
}
