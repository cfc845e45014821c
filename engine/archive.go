package engine

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	docker "github.com/moby/docker-image-spec/specs-go/v1"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images"
	"gantry/images/archive"
	"gantry/images/change"
)

// SaveOptions say where an archive goes; Loaded is an image that came from one.
type (
	SaveOptions = images.SaveOptions
	Loaded      = images.Loaded
)

// LoadOptions say where an archive is.
type LoadOptions struct {
	Path     string    // a file, or a directory with an OCI layout
	From     io.Reader // when Path is empty
	Platform string
}

// Save writes images to an archive.
func (e *Engine) Save(ctx context.Context, refs []string, o SaveOptions) error {
	return e.images.Save(ctx, refs, o)
}

// Load brings in the images of an archive.
func (e *Engine) Load(ctx context.Context, o LoadOptions, sink Sink) ([]Loaded, error) {
	if err := e.store.SweepTemp(ctx); err != nil {
		return nil, err
	}
	in := images.LoadOptions{Path: o.Path, From: o.From, Platform: o.Platform, Containers: e.uses}
	return e.images.Load(ctx, in, sink)
}

// ImportOptions describe an image made of a root filesystem.
type ImportOptions struct {
	From     io.Reader // a tar, compressed or not
	Source   string    // where it comes from, for the history; a URL is fetched when From is nil
	Name     string    // "" leaves the image without one
	Message  string
	Changes  []string // lines of a Dockerfile
	Platform string
}

// Import makes an image of one layer from the tar of a root filesystem.
func (e *Engine) Import(ctx context.Context, o ImportOptions) (Image, error) {
	now := time.Now().UTC()
	cfg := docker.DockerOCIImage{}
	cfg.Created, cfg.OS, cfg.Architecture = &now, "linux", runtime.GOARCH
	if o.Platform != "" {
		name, err := ParsePlatform(o.Platform)
		if err != nil {
			return Image{}, err
		}
		parts := append(strings.Split(name, "/"), "", "")
		cfg.OS, cfg.Architecture, cfg.Variant = parts[0], parts[1], parts[2]
	}
	cfg.History = []v1.History{{Created: &now, Comment: cmp.Or(o.Message, "Imported from "+Printable(o.Source))}}
	if err := change.Apply(&cfg.Config, o.Changes); err != nil {
		return Image{}, err
	}
	from := o.From
	if from == nil {
		body, err := images.Download(ctx, o.Source)
		if err != nil {
			return Image{}, err
		}
		defer body.Close()
		from = body
	}
	rootfs := images.LayerSource{Open: func() (io.ReadCloser, error) { return archive.CheckTar(from) }}
	return e.images.AddDocker(ctx, o.Name, cfg, []images.LayerSource{rootfs})
}

// Export writes the file system of a container, running or not, as a tar. What
// volumes hold is not part of it.
func (e *Engine) Export(ctx context.Context, ref string, w io.Writer) error {
	release, err := e.store.Use(ctx)
	if err != nil {
		return err
	}
	defer release()
	c, err := e.whole(ctx, ref)
	if err != nil {
		return err
	}
	lowers, err := e.layers.Lowers(ctx, c.Layers)
	if err != nil {
		return fmt.Errorf("the image of %s: %w", c.Name, err)
	}
	return e.containers.Export(ctx, c.ID, lowers, w)
}

// whole finds a container whose record can be read.
func (e *Engine) whole(ctx context.Context, ref string) (Container, error) {
	c, err := e.containers.Get(ctx, ref)
	if err == nil && c.Damaged != "" {
		err = fmt.Errorf("container %s is damaged: %s: %w", Printable(ref), c.Damaged, ErrDamaged)
	}
	return c, err
}
