package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"gantry/store/volume"
)

// mounts completes the options with an anonymous volume for each VOLUME of the
// image that they leave free. Volumes are made now, as docker create makes
// them.
func (e *Engine) mounts(ctx context.Context, spec RunSpec, img Image) ([]Mount, error) {
	all := slices.Clone(spec.Mounts)
	for dest := range img.Config.Config.Volumes {
		dest = path.Clean("/" + dest)
		taken := slices.ContainsFunc(all, func(m Mount) bool { return path.Clean(m.Destination) == dest })
		if !taken && dest != "/" {
			all = append(all, Mount{Type: "volume", Destination: dest})
		}
	}
	for i := range all {
		if all[i].Type != "volume" {
			continue
		}
		if all[i].Source == "" {
			all[i].Source = anonymousName()
		}
		if err := volume.Ensure(ctx, e.store, all[i].Source); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b Mount) int { return strings.Compare(a.Destination, b.Destination) })
	return all, nil
}

// volumes maps the names of volume mounts to where their data lies.
func (e *Engine) volumes(mounts []Mount) (map[string]string, error) {
	paths := map[string]string{}
	for _, m := range mounts {
		if m.Type != "volume" {
			continue
		}
		path, err := volume.Path(e.store, m.Source)
		if err != nil {
			return nil, err
		}
		paths[m.Source] = path
	}
	return paths, nil
}

// anonymousName is 64 hexadecimal digits, by which a volume is known to go
// with its container.
func anonymousName() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

func anonymous(name string) bool {
	_, err := hex.DecodeString(name)
	return len(name) == 64 && err == nil
}

// removeAnonymous removes the anonymous volumes of a container that is gone,
// unless another container uses them.
func (e *Engine) removeAnonymous(ctx context.Context, gone Container) error {
	others, err := e.containers.List(ctx)
	if err != nil {
		return err
	}
	used := func(name string) bool {
		return slices.ContainsFunc(others, func(c Container) bool {
			return c.Damaged != "" || slices.ContainsFunc(c.Host.Mounts, func(m Mount) bool { return m.Source == name })
		})
	}
	for _, m := range gone.Host.Mounts {
		if m.Type != "volume" || !anonymous(m.Source) || used(m.Source) {
			continue
		}
		if err := volume.Remove(ctx, e.store, m.Source); err != nil {
			return err
		}
	}
	return nil
}
