package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	docker "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/registry"
	"gantry/internal/flock"
	"gantry/store"
)

// LayerSource is a layer of an image made here: an uncompressed tar, opened
// once. A source with Stored set is a layer of an image we have.
type LayerSource struct {
	Open   func() (io.ReadCloser, error)
	Stored *StoredLayer
}

// StoredLayer names a layer that is in the store.
type StoredLayer struct {
	DiffID digest.Digest
	Blob   v1.Descriptor
}

// LayerSources returns the layers of an image we have, to build another on.
func (im *Images) LayerSources(ctx context.Context, img Image) ([]LayerSource, error) {
	s, err := im.summary(ctx, entry{target: img.Target, manifest: img.Manifest.Digest})
	if err != nil {
		return nil, err
	}
	var out []LayerSource
	for i, d := range s.blobs {
		out = append(out, LayerSource{Stored: &StoredLayer{s.image.RootFS.DiffIDs[i], d}})
	}
	return out, nil
}

// Add stores an image made here. cfg's RootFS is filled in from the layers,
// lowest first. With an empty name the image is kept as dangling.
func (im *Images) Add(ctx context.Context, name string, cfg v1.Image, layers []LayerSource) (Image, error) {
	return im.add(ctx, name, layers, func(fs v1.RootFS) any {
		cfg.RootFS = fs
		return cfg
	})
}

// AddDocker is Add for a config with Docker's additions.
func (im *Images) AddDocker(ctx context.Context, name string, cfg docker.DockerOCIImage, layers []LayerSource) (Image, error) {
	return im.add(ctx, name, layers, func(fs v1.RootFS) any {
		cfg.RootFS = fs
		return cfg
	})
}

func (im *Images) add(ctx context.Context, name string, layers []LayerSource, config func(v1.RootFS) any) (Image, error) {
	if len(layers) > registry.MaxLayers {
		return Image{}, fmt.Errorf("image has %d layers; limit %d: %w", len(layers), registry.MaxLayers, store.ErrInvalid)
	}
	full := ""
	if name != "" {
		ref, err := tagged(name)
		if err != nil {
			return Image{}, err
		}
		full = ref.Full()
	}
	release, err := im.s.Use(ctx)
	if err != nil {
		return Image{}, err
	}
	defer release()
	m := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	m.Layers = []v1.Descriptor{}
	rootfs := v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}
	for _, src := range layers {
		l, err := im.addLayerSource(ctx, src)
		if err != nil {
			return Image{}, err
		}
		m.Layers = append(m.Layers, l.Blob)
		rootfs.DiffIDs = append(rootfs.DiffIDs, l.DiffID)
	}
	if m.Config, err = im.putJSON(ctx, v1.MediaTypeImageConfig, config(rootfs)); err != nil {
		return Image{}, err
	}
	desc, err := im.putJSON(ctx, v1.MediaTypeImageManifest, m)
	if err != nil {
		return Image{}, err
	}
	e := entry{name: full, target: desc, manifest: desc.Digest}
	if full == "" {
		e.name = danglingPrefix + desc.Digest.String()
	}
	return im.finishAdd(ctx, e)
}

// DockerConfig reads the config of an image with Docker's additions.
func (im *Images) DockerConfig(ctx context.Context, img Image) (docker.DockerOCIImage, error) {
	var cfg docker.DockerOCIImage
	raw, err := im.blobs.ReadSmall(img.ID, maxDocument)
	if err == nil {
		err = json.Unmarshal(raw, &cfg)
	}
	return cfg, err
}

// finishAdd names an image and loads it.
func (im *Images) finishAdd(ctx context.Context, e entry) (Image, error) {
	if _, err := im.point(ctx, e); err != nil {
		return Image{}, err
	}
	img, err := im.load(ctx, e)
	if err != nil {
		return Image{}, err
	}
	return im.withNames(ctx, img)
}

func (im *Images) putJSON(ctx context.Context, mediaType string, v any) (v1.Descriptor, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	return d, im.putSmall(ctx, d, raw)
}

func (im *Images) addLayerSource(ctx context.Context, src LayerSource) (StoredLayer, error) {
	if src.Stored != nil {
		_, err := im.layers.Get(src.Stored.DiffID)
		return *src.Stored, err
	}
	tar, err := src.Open()
	if err != nil {
		return StoredLayer{}, err
	}
	defer tar.Close()
	return im.addTar(ctx, tar)
}

// addTar compresses a tar into a blob, whose digest and diff-id are known only
// then, and unpacks it from there.
func (im *Images) addTar(ctx context.Context, tar io.Reader) (StoredLayer, error) {
	f, err := os.CreateTemp(im.s.Tmp(), "layer-*")
	if err != nil {
		return StoredLayer{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := flock.TryFile(f, flock.Exclusive); err != nil { // tells sweeps it is in use
		return StoredLayer{}, err
	}
	l, err := compress(ctx, f, tar)
	if err != nil {
		return StoredLayer{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return StoredLayer{}, err
	}
	part, err := im.blobs.Partial(ctx, l.Blob.Digest, l.Blob.Size)
	if err != nil {
		return StoredLayer{}, err
	}
	defer part.Close()
	if !part.Existing() {
		if _, err := f.Seek(part.Offset(), io.SeekStart); err != nil {
			return StoredLayer{}, err
		}
		if _, err := io.Copy(part, f); err != nil {
			return StoredLayer{}, err
		}
		if err := part.Commit(); err != nil {
			return StoredLayer{}, err
		}
	}
	return l, im.unpackBlob(ctx, l)
}

// compress writes tar to w as zstd and returns what it became.
func compress(ctx context.Context, w io.Writer, tar io.Reader) (StoredLayer, error) {
	plain, packed := digest.SHA256.Digester(), digest.SHA256.Digester()
	var size counter
	z, err := zstd.NewWriter(io.MultiWriter(w, packed.Hash(), &size), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(2))
	if err != nil {
		return StoredLayer{}, err
	}
	_, err = io.Copy(io.MultiWriter(z, plain.Hash()), watched{ctx, tar})
	if err := errors.Join(err, z.Close()); err != nil {
		return StoredLayer{}, fmt.Errorf("compressing a layer: %w", err)
	}
	return StoredLayer{DiffID: plain.Digest(), Blob: v1.Descriptor{
		MediaType: v1.MediaTypeImageLayerZstd, Digest: packed.Digest(), Size: int64(size),
	}}, nil
}

// unpackBlob unpacks a blob just stored.
func (im *Images) unpackBlob(ctx context.Context, l StoredLayer) error {
	u, err := im.layers.Begin(ctx, l.DiffID)
	if err != nil {
		return err
	}
	defer u.Close()
	if u.Existing() {
		return nil
	}
	f, err := im.blobs.Open(l.Blob.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	tar, err := decompress(f)
	if err != nil {
		return err
	}
	defer tar.Close()
	if err := u.From(ctx, tar); err != nil {
		return err
	}
	_, err = u.Commit(ctx)
	return err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// watched ends with its context.
type watched struct {
	ctx context.Context
	r   io.Reader
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
