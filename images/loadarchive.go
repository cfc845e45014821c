package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/archive"
	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/store"
)

// LoadOptions say what to take from an archive.
type LoadOptions struct {
	Path     string    // the archive, or a directory with an OCI layout
	From     io.Reader // the archive, when Path is empty
	Platform string    // os/arch[/variant]; "" = this machine's, or what there is
	// Containers lists all containers, to know what may be taken back of an
	// archive that turns out to be broken; nil means that there are none.
	Containers func(context.Context) ([]ContainerUse, error)
}

// Loaded is an image that came from an archive.
type Loaded struct {
	ID      digest.Digest
	Names   []string // familiar
	Ignored []string // names in the archive that are none, cleaned
}

// Load brings in the images of an archive. Names come last, when all images are
// complete: an archive that breaks off leaves nothing behind.
func (im *Images) Load(ctx context.Context, o LoadOptions, sink progress.Sink) ([]Loaded, error) {
	l := &loading{im: im, platform: o.Platform, sink: progress.Or(sink), made: newNeeds()}
	out, err := l.run(ctx, o)
	if err != nil {
		later := context.WithoutCancel(ctx)
		return nil, errors.Join(err, im.takeBack(later, l.made, RemoveOptions{Containers: o.Containers}))
	}
	return out, nil
}

// loading is one Load on its way.
type loading struct {
	im       *Images
	platform string
	sink     progress.Sink
	archive  *archive.Archive
	images   []*incoming
	jobs     []*job
	made     needs // what was not here before
}

// incoming is an image of the archive.
type incoming struct {
	archive.Image
	id     digest.Digest
	entry  entry // without a name
	conf   v1.Image
	docs   map[digest.Digest]document
	layers []archive.Layer
	here   bool // complete in the store already
}

type document struct {
	desc v1.Descriptor
	raw  []byte
}

func (l *loading) run(ctx context.Context, o LoadOptions) (out []Loaded, err error) {
	release, err := l.im.s.Use(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if o.Path != "" {
		l.archive, err = archive.OpenPath(ctx, o.Path, l.im.s.Tmp())
	} else {
		l.archive, err = archive.OpenStream(ctx, o.From, l.im.s.Tmp())
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.archive.Close()) }()
	if err := l.look(ctx); err != nil {
		return nil, err
	}
	if err := runJobs(ctx, l.jobs); err != nil {
		return nil, err
	}
	if err := l.documents(ctx); err != nil {
		return nil, err
	}
	for _, in := range l.images {
		loaded, err := l.name(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, loaded)
	}
	return out, nil
}

// look reads what the archive says and checks it, before anything is written.
func (l *loading) look(ctx context.Context) error {
	all, err := l.archive.Images()
	if err != nil {
		return err
	}
	jobs := map[digest.Digest]bool{}
	for _, img := range all {
		in := &incoming{Image: img, docs: map[digest.Digest]document{}}
		if img.Target.Digest != "" {
			err = l.lookOCI(ctx, in)
		} else {
			err = l.lookDocker(ctx, in)
		}
		if err == nil {
			err = l.fits(in.conf.Platform)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.display(), err)
		}
		l.images = append(l.images, in)
		for i, layer := range in.layers {
			if !jobs[layer.Desc.Digest] && !in.here {
				jobs[layer.Desc.Digest] = true
				l.jobs = append(l.jobs, l.job(layer, in.conf.RootFS.DiffIDs[i]))
			}
		}
	}
	return nil
}

// fits refuses an image for another platform than the one asked for.
func (l *loading) fits(have v1.Platform) error {
	want, err := platform(l.platform)
	if err != nil || l.platform == "" || fit(want, have) > 0 {
		return err
	}
	return say(store.ErrInvalid, "image is %s, asked for is %s", platformName(normal(have)), platformName(want))
}

func (in *incoming) display() string {
	if len(in.Names) > 0 {
		if ref, err := reference.Parse(in.Names[0]); err == nil {
			return ref.Familiar()
		}
	}
	return "image"
}

func (l *loading) job(layer archive.Layer, diffID digest.Digest) *job {
	if !l.im.blobs.Has(layer.Desc.Digest) {
		l.made.blobs[layer.Desc.Digest] = true
	}
	if _, err := l.im.layers.Get(diffID); err != nil {
		l.made.layers[diffID] = true
	}
	open := func(ctx context.Context, _ v1.Descriptor, offset int64) io.ReadCloser {
		r, err := layer.Open(offset)
		if err != nil {
			return io.NopCloser(failing{err})
		}
		return struct {
			io.Reader
			io.Closer
		}{watched{ctx, r}, r}
	}
	return &job{
		im: l.im, blob: layer.Desc, diffID: diffID, meter: newMeter(l.sink, layer.Desc), from: open,
		words: words{actLoading, actLoaded},
	}
}

// lookDocker makes the manifest that a docker-archive does not have. An image
// that is here already keeps the one it came with.
func (l *loading) lookDocker(ctx context.Context, in *incoming) error {
	if len(in.Layers) > registry.MaxLayers {
		return say(store.ErrInvalid, "image has %d layers; limit %d", len(in.Layers), registry.MaxLayers)
	}
	var err error
	if in.conf, err = parseConfig(in.Config, len(in.Layers)); err != nil {
		return err
	}
	in.id = digest.FromBytes(in.Config)
	if here, err := l.im.wholeByID(ctx, in.id); err != nil || here != nil {
		if here != nil {
			in.entry, in.here = *here, true
		}
		return err
	}
	m := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	m.Config = in.add(v1.MediaTypeImageConfig, in.Config)
	m.Layers = []v1.Descriptor{}
	for i, name := range in.Layers {
		layer, err := l.archive.FileLayer(ctx, name, in.conf.RootFS.DiffIDs[i])
		if err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
		in.layers = append(in.layers, layer)
		m.Layers = append(m.Layers, layer.Desc)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	d := in.add(v1.MediaTypeImageManifest, raw)
	in.entry = entry{target: d, manifest: d.Digest}
	return nil
}

func (in *incoming) add(mediaType string, raw []byte) v1.Descriptor {
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	in.docs[d.Digest] = document{d, raw}
	return d
}

// wholeByID finds an undamaged image by its exact ID, nil when there is none.
func (im *Images) wholeByID(ctx context.Context, id digest.Digest) (*entry, error) {
	all, err := im.entries(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.removed() {
			continue
		}
		s, err := im.summary(ctx, e)
		if err != nil || s.config.Digest != id {
			continue
		}
		if img, err := im.load(ctx, e); err == nil && img.Damaged == "" && im.blobsHere(s) {
			return &entry{target: e.target, manifest: s.desc.Digest}, nil
		}
	}
	return nil, nil
}

func (im *Images) blobsHere(s *summary) bool {
	return !slices.ContainsFunc(s.blobs, func(d v1.Descriptor) bool { return !im.blobs.Has(d.Digest) })
}

// documents keeps manifests, indexes and configs.
func (l *loading) documents(ctx context.Context) error {
	for _, in := range l.images {
		for d, doc := range in.docs {
			if !l.im.blobs.Has(d) {
				l.made.blobs[d] = true
			}
			if err := l.im.putSmall(ctx, doc.desc, doc.raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// name gives an image its names, or keeps it without one.
func (l *loading) name(ctx context.Context, in *incoming) (Loaded, error) {
	out := Loaded{ID: in.id, Ignored: in.Ignored}
	for _, name := range in.Names {
		e := in.entry
		e.name = name
		if _, err := l.im.point(ctx, e); err != nil {
			return Loaded{}, err
		}
		if ref, err := reference.Parse(name); err == nil {
			out.Names = append(out.Names, ref.Familiar())
		}
	}
	if len(in.Names) > 0 {
		return out, nil
	}
	if have, err := l.im.wholeByID(ctx, in.id); err != nil || have != nil && have.same(in.entry) {
		return out, err
	}
	e := in.entry
	e.name = danglingPrefix + e.manifest.String()
	_, err := l.im.point(ctx, e)
	return out, err
}
