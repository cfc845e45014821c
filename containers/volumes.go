package containers

import (
	"context"
	"errors"
	"slices"

	"gantry/store/volume"
)

// removeVolumes removes the anonymous volumes of a container that is gone,
// except those another container uses too.
func (m *Manager) removeVolumes(ctx context.Context, gone Record) error {
	own := slices.DeleteFunc(slices.Clone(gone.Host.Mounts), func(v Mount) bool {
		return v.Type != "volume" || !volume.Anonymous(v.Source)
	})
	if len(own) == 0 {
		return nil
	}
	others, err := m.records.List(ctx)
	if err != nil {
		return err
	}
	used := func(name string) bool {
		for _, o := range others {
			// Of a damaged record nobody knows what it uses.
			if o.Err != nil || slices.ContainsFunc(o.Value.Host.Mounts, func(v Mount) bool { return v.Source == name }) {
				return true
			}
		}
		return false
	}
	for _, v := range own {
		if !used(v.Source) {
			err = errors.Join(err, volume.Remove(ctx, m.s, v.Source))
		}
	}
	return err
}
