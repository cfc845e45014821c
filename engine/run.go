package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gantry/containers"
	"gantry/internal/progress"
)

// Create makes a container and does not start it.
func (e *Engine) Create(ctx context.Context, spec RunSpec, sink Sink) (Container, error) {
	release, err := e.store.Use(ctx)
	if err != nil {
		return Container{}, err
	}
	defer release()
	img, err := e.imageFor(ctx, spec, progress.Or(sink))
	if err != nil {
		return Container{}, err
	}
	r := record(spec, img)
	r.Host.SecurityOpt = e.securityOpt(spec.SecurityOpt)
	if len(r.Config.Entrypoint)+len(r.Config.Cmd) == 0 {
		return Container{}, fmt.Errorf("no command specified: image %s has none: %w", Printable(spec.Image), ErrInvalid)
	}
	if r.Host.Mounts, err = e.mounts(ctx, spec, img); err != nil {
		return Container{}, err
	}
	made, err := e.containers.Create(ctx, r)
	return Container{Record: made}, err
}

// Start starts a container; nobody is attached.
func (e *Engine) Start(ctx context.Context, ref string) error {
	_, err := e.start(ctx, ref, containers.StartInput{})
	return err
}

// StartAttached starts a container with the caller attached before its first
// byte of output.
func (e *Engine) StartAttached(ctx context.Context, ref string, o AttachOptions) (*Session, error) {
	return e.start(ctx, ref, containers.StartInput{Attach: true, Stdin: !o.NoStdin, Cols: o.Cols, Rows: o.Rows})
}

func (e *Engine) start(ctx context.Context, ref string, in containers.StartInput) (*Session, error) {
	c, err := e.containers.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if c.Damaged != "" {
		return nil, fmt.Errorf("container %s is damaged: %s: %w", Printable(ref), c.Damaged, ErrDamaged)
	}
	if in.Lowers, err = e.layers.Lowers(ctx, c.Layers); err != nil {
		return nil, fmt.Errorf("the image of %s: %w", c.Name, err)
	}
	if in.Volumes, err = e.volumes(c.Host.Mounts); err != nil {
		return nil, err
	}
	in.Network, in.Spare = e.startNetwork(), spare(ctx)
	return e.containers.Start(ctx, c.ID, in)
}

// record merges the image's config with the options, as docker run does.
func record(spec RunSpec, img Image) containers.Record {
	from := img.Config.Config
	cfg := containers.Config{
		Hostname: spec.Hostname, User: or(spec.User, from.User), Env: mergeEnv(from.Env, spec.Env),
		Entrypoint: from.Entrypoint, Cmd: from.Cmd, WorkingDir: or(spec.WorkingDir, from.WorkingDir),
		Labels: mergeLabels(from.Labels, spec.Labels), StopSignal: or(spec.StopSignal, from.StopSignal),
		Tty: spec.Tty, OpenStdin: spec.OpenStdin, StdinOnce: spec.OpenStdin && !spec.Tty, StopTimeout: spec.StopTimeout,
	}
	for port := range from.ExposedPorts {
		cfg.ExposedPorts = append(cfg.ExposedPorts, Printable(port))
	}
	for path := range from.Volumes {
		cfg.Volumes = append(cfg.Volumes, path)
	}
	slices.Sort(cfg.ExposedPorts)
	slices.Sort(cfg.Volumes)
	if spec.Entrypoint != nil { // a new entrypoint takes the image's arguments with it
		cfg.Entrypoint, cfg.Cmd = *spec.Entrypoint, nil
	}
	if len(spec.Args) > 0 {
		cfg.Cmd = spec.Args
	}
	return containers.Record{
		Name: spec.Name, Image: spec.Image, ImageID: img.ID, Layers: img.Layers, Platform: img.Platform, Config: cfg,
		Host: containers.HostConfig{
			NetworkMode: or(spec.Network, "bridge"), Ports: spec.Ports, AutoRemove: spec.AutoRemove,
			Memory: spec.Memory, NanoCPUs: spec.NanoCPUs, PidsLimit: spec.PidsLimit, ReadonlyRootfs: spec.ReadonlyRootfs,
		},
	}
}

// securityOpt adds the configured default, which an option of the same kind
// overrides.
func (e *Engine) securityOpt(opts []string) []string {
	says := func(o string) bool { return strings.HasPrefix(o, "no-new-privileges") }
	if e.cfg.NoNewPrivileges && !slices.ContainsFunc(opts, says) {
		return append(slices.Clone(opts), "no-new-privileges")
	}
	return opts
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// mergeEnv puts the options after the image's; of two with one name the later
// stays, in the place of the former. Entries of an image without "=" never
// take a value from the caller's environment (CVE-2020-14370) and are dropped.
func mergeEnv(image, options []string) []string {
	var out []string
	at := map[string]int{}
	for _, kv := range slices.Concat(image, options) {
		name, _, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			continue
		}
		if i, seen := at[name]; seen {
			out[i] = kv
			continue
		}
		at[name] = len(out)
		out = append(out, kv)
	}
	return out
}

func mergeLabels(image, options map[string]string) map[string]string {
	out := make(map[string]string, len(image)+len(options))
	for k, v := range image {
		out[k] = v
	}
	for k, v := range options {
		out[k] = v
	}
	return out
}
