package spec

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"gantry/containers"
	"gantry/containers/runtime"
)

// mounts are the container's binds, volumes and tmpfs, parents before children,
// and then its files in /etc.
func mounts(root *root, rec containers.Record, in In) ([]runtime.Mount, error) {
	taken := map[string]bool{}
	var out []runtime.Mount
	for _, m := range rec.Host.Mounts {
		dest := path.Clean(m.Destination)
		switch {
		case !path.IsAbs(m.Destination):
			return nil, fmt.Errorf("invalid mount path: %q mount path must be absolute", m.Destination)
		case dest == "/":
			return nil, errors.New("invalid specification: destination can't be '/'")
		case taken[dest]:
			return nil, fmt.Errorf("duplicate mount point: %s", dest)
		}
		taken[dest] = true
		m.Destination = dest
		mount, err := mountOf(root, m, in)
		if err != nil {
			return nil, err
		}
		out = append(out, mount)
	}
	slices.SortStableFunc(out, func(a, b runtime.Mount) int {
		return strings.Count(a.Destination, "/") - strings.Count(b.Destination, "/")
	})
	return append(out, etcMounts(in.ContainerDir, taken)...), nil
}

func mountOf(root *root, m containers.Mount, in In) (runtime.Mount, error) {
	switch m.Type {
	case "bind":
		return bind(m)
	case "volume":
		return volume(root, m, in)
	case "tmpfs":
		return tmpfs(m), nil
	}
	return runtime.Mount{}, fmt.Errorf("invalid mount type %q for %s: bind, volume or tmpfs", m.Type, m.Destination)
}

func bind(m containers.Mount) (runtime.Mount, error) {
	if !path.IsAbs(m.Source) {
		return runtime.Mount{}, fmt.Errorf("invalid mount config for type \"bind\": invalid mount path: %q mount path must be absolute", m.Source)
	}
	if _, err := os.Stat(m.Source); errors.Is(err, os.ErrNotExist) {
		return runtime.Mount{}, fmt.Errorf("invalid mount config for type \"bind\": bind source path does not exist: %s", m.Source)
	} else if err != nil {
		return runtime.Mount{}, fmt.Errorf("invalid mount config for type \"bind\": %w", err)
	}
	opts, err := bindOptions(m)
	return runtime.Mount{Source: m.Source, Destination: m.Destination, Type: "bind", Options: opts}, err
}

// bindOptions are private and recursive unless the user says otherwise; read
// only means everything mounted below as well.
func bindOptions(m containers.Mount) ([]string, error) {
	opts := []string{"rbind"}
	spread := "rprivate"
	readonly := m.ReadOnly
	for _, o := range m.Options {
		switch o {
		case "ro", "readonly":
			readonly = true
		case "private", "rprivate", "slave", "rslave", "shared", "rshared":
			spread = o
		case "nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime", "relatime", "nosymfollow":
			opts = append(opts, o)
		case "rw", "z", "Z", "nocopy", "rbind", "bind", "":
		default:
			return nil, fmt.Errorf("mount %s: unknown option %q", m.Destination, o)
		}
	}
	opts = append(opts, spread)
	if readonly {
		opts = append(opts, "ro", "rro")
	}
	return opts, nil
}

// volume binds a volume's directory, first filling a new one from the image.
func volume(root *root, m containers.Mount, in In) (runtime.Mount, error) {
	data := in.Volumes[m.Source]
	if data == "" {
		return runtime.Mount{}, fmt.Errorf("volume %q: no directory for it", m.Source)
	}
	if !slices.Contains(m.Options, "nocopy") {
		if err := copyUp(root, m.Destination, data); err != nil {
			return runtime.Mount{}, fmt.Errorf("filling volume %q from the image: %w", m.Source, err)
		}
	}
	opts, err := bindOptions(m)
	return runtime.Mount{Source: data, Destination: m.Destination, Type: "bind", Options: opts}, err
}

func tmpfs(m containers.Mount) runtime.Mount {
	opts := append([]string{"noexec", "nosuid", "nodev", "rprivate"}, m.Options...)
	if !slices.ContainsFunc(m.Options, func(o string) bool { return strings.HasPrefix(o, "mode=") }) {
		opts = append(opts, "mode=1777")
	}
	if m.ReadOnly {
		opts = append(opts, "ro")
	}
	return runtime.Mount{Source: "tmpfs", Destination: m.Destination, Type: "tmpfs", Options: opts}
}
