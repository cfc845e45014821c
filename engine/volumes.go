package engine

import (
	"context"
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
			all[i].Source = volume.AnonymousName()
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
