package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	docker "github.com/moby/docker-image-spec/specs-go/v1"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images"
	"gantry/images/change"
)

// CommitOptions say what the new image says of itself.
type CommitOptions struct {
	Author  string
	Message string
	Changes []string // lines of a Dockerfile
	NoPause bool     // let the container run meanwhile
}

// Commit makes an image of what a container changed, on top of its image. The
// container is paused while its files are read, unless it is already. Volumes,
// binds and the engine's own files in it are not part of the image.
func (e *Engine) Commit(ctx context.Context, ref, name string, o CommitOptions) (Image, error) {
	release, err := e.store.Use(ctx)
	if err != nil {
		return Image{}, err
	}
	defer release()
	c, err := e.whole(ctx, ref)
	if err != nil {
		return Image{}, err
	}
	base, err := e.images.Resolve(ctx, c.ImageID.String())
	if errors.Is(err, ErrNotFound) {
		return Image{}, fmt.Errorf("the image of %s (%s) was removed: pull it again, or export the container: %w",
			c.Name, Printable(c.Image), ErrNotFound)
	}
	if err != nil {
		return Image{}, err
	}
	cfg, err := e.committed(ctx, c, base, o)
	if err != nil {
		return Image{}, err
	}
	layers, err := e.images.LayerSources(ctx, base)
	if err != nil {
		return Image{}, err
	}
	thaw, err := e.freeze(ctx, c, o)
	if err != nil {
		return Image{}, err
	}
	img, err := e.addChanges(ctx, c, name, cfg, layers)
	return img, errors.Join(err, thaw())
}

// freeze pauses a running container. What is returned undoes that, and nothing
// that somebody else did.
func (e *Engine) freeze(ctx context.Context, c Container, o CommitOptions) (func() error, error) {
	if o.NoPause || c.State.Status != Running {
		return func() error { return nil }, nil
	}
	if err := e.containers.Pause(ctx, c.ID); err != nil {
		return nil, fmt.Errorf("pausing %s: %w", c.Name, err)
	}
	return func() error {
		err := e.containers.Unpause(context.WithoutCancel(ctx), c.ID)
		if now, getErr := e.containers.Get(ctx, c.ID); getErr != nil || now.State.Status != Paused {
			return nil // somebody else ended or thawed it
		}
		return err
	}, nil
}

// committed is the config of the new image: the image's with what the
// container was given, and the changes.
func (e *Engine) committed(ctx context.Context, c Container, base Image, o CommitOptions) (docker.DockerOCIImage, error) {
	cfg, err := e.images.DockerConfig(ctx, base)
	if err != nil {
		return cfg, fmt.Errorf("config of %s: %w", Printable(c.Image), err)
	}
	now := time.Now().UTC()
	cfg.Created, cfg.Author = &now, o.Author
	from := c.Config
	cfg.Config.User, cfg.Config.Env, cfg.Config.WorkingDir = from.User, from.Env, from.WorkingDir
	cfg.Config.Entrypoint, cfg.Config.Cmd = from.Entrypoint, from.Cmd
	cfg.Config.Labels, cfg.Config.StopSignal = from.Labels, from.StopSignal
	cfg.Config.OnBuild = nil // they were for images built on that one
	cfg.Config.ExposedPorts, cfg.Config.Volumes = nil, nil
	for _, port := range from.ExposedPorts {
		add(&cfg.Config.ExposedPorts, port)
	}
	for _, p := range c.Host.Ports {
		add(&cfg.Config.ExposedPorts, strconv.Itoa(int(p.ContainerPort))+"/"+or(p.Proto, "tcp"))
	}
	for _, path := range from.Volumes {
		add(&cfg.Config.Volumes, path)
	}
	if err := change.Apply(&cfg.Config, o.Changes); err != nil {
		return cfg, err
	}
	cfg.History = append(slices.Clone(cfg.History), v1.History{
		Created: &now, CreatedBy: strings.Join(from.Cmd, " "), Author: o.Author, Comment: o.Message,
	})
	return cfg, nil
}

func add(set *map[string]struct{}, key string) {
	if *set == nil {
		*set = map[string]struct{}{}
	}
	(*set)[key] = struct{}{}
}

// addChanges adds the image, with a layer if anything changed.
func (e *Engine) addChanges(ctx context.Context, c Container, name string, cfg docker.DockerOCIImage,
	layers []images.LayerSource) (Image, error) {
	lowers, err := e.layers.Lowers(ctx, c.Layers)
	if err != nil {
		return Image{}, fmt.Errorf("the image of %s: %w", c.Name, err)
	}
	changes := e.containers.Changes(ctx, c.ID, lowers)
	defer changes.Close()
	in := bufio.NewReader(changes)
	head, err := in.Peek(len(noEntry))
	if err != nil {
		return Image{}, err
	}
	if string(head) == string(noEntry[:]) {
		cfg.History[len(cfg.History)-1].EmptyLayer = true
		return e.images.AddDocker(ctx, name, cfg, layers)
	}
	source := images.LayerSource{Open: func() (io.ReadCloser, error) { return io.NopCloser(in), nil }}
	return e.images.AddDocker(ctx, name, cfg, append(layers, source))
}

// noEntry is how a tar without entries begins.
var noEntry [512]byte
