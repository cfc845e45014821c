// Package engine is the one door to everything Gantry does: it joins images,
// containers, networks and the store into the operations a person knows. It
// has no daemon behind it; any number of processes may open the same store at
// once. It makes no system calls of its own.
package engine

import (
	"context"
	"errors"
	"fmt"

	"gantry/containers"
	"gantry/containers/launch"
	"gantry/containers/runtime"
	"gantry/images"
	network "gantry/net"
	"gantry/store"
	"gantry/store/blob"
	"gantry/store/layer"
)

// Engine is safe for concurrent use.
type Engine struct {
	cfg        Config
	store      *store.Store
	layers     *layer.Store
	images     *images.Images
	containers *containers.Manager
	net        *network.Manager
}

// Open opens or makes the store at cfg.Root.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	s, err := store.Open(ctx, store.Options{Root: cfg.Root, Run: cfg.Run})
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	e := &Engine{cfg: cfg, store: s, layers: layer.Open(s)}
	e.images = images.New(s, blob.Open(s), e.layers, images.RegistryConfig{Hosts: cfg.Registries})
	e.net = network.New(s, e.networkConfig())
	e.containers = containers.New(s, containers.Hooks{CleanUp: cleanUp, Detach: e.net.Detach})
	return e, nil
}

// Close releases what Open took. Running containers run on.
func (e *Engine) Close() error { return nil }

// networkConfig is the default network as the config has it.
func (e *Engine) networkConfig() network.Config {
	return network.Config{Bridge: e.cfg.Bridge, Subnet: e.cfg.Subnet, DefaultBindIP: e.cfg.PublishAddress}
}

// startNetwork is networkConfig as a supervisor is told it.
func (e *Engine) startNetwork() launch.Network {
	return launch.Network(e.networkConfig())
}

// cleanUp removes what the intent record of a lost supervisor lists.
func cleanUp(r store.IntentRecord) error {
	return runtime.CleanUp(runtime.Leftover{ID: r.ID, StateRoot: r.LibcontainerRoot, CgroupPaths: r.CgroupPaths})
}

// Watch reports changes made by any process until ctx is done.
func (e *Engine) Watch(ctx context.Context) (<-chan Change, error) { return e.store.Watch(ctx) }

// ReadOnly says why nothing may be changed: the store was made by a newer
// Gantry. It is nil otherwise.
func (e *Engine) ReadOnly() error { return e.store.Writable() }

// Sweep takes away what crashed processes left: containers whose supervisor
// died, their kernel objects, leases and rules, and temporary files.
func (e *Engine) Sweep(ctx context.Context) error {
	if e.store.ReadOnly() {
		return nil
	}
	return errors.Join(e.containers.Reconcile(ctx), e.sweepNetwork(ctx), e.store.SweepTemp(ctx))
}

func (e *Engine) sweepNetwork(ctx context.Context) error {
	all, err := e.containers.List(ctx)
	if err != nil {
		return err
	}
	alive := map[string]bool{}
	for _, c := range all {
		alive[c.ID] = c.Damaged != "" || c.State.Status == Running || c.State.Status == Paused
	}
	return e.net.Sweep(ctx, func(id string) bool { return alive[id] })
}

// ResetNetwork removes the default network's bridge and rules; the next
// container on it makes them anew. It is refused while a container uses them.
func (e *Engine) ResetNetwork(ctx context.Context) error {
	all, err := e.containers.List(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.State.IPAddress != "" && (c.State.Status == Running || c.State.Status == Paused) {
			return fmt.Errorf("network %s: container %s is on it: %w", e.cfg.Bridge, c.Name, ErrInUse)
		}
	}
	return e.net.Remove(ctx)
}
