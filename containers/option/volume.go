package option

import (
	"os"
	"path"
	"path/filepath"

	"slices"
	"strings"

	"gantry/containers"
)

// Options of -v, by what they exclude.
var (
	propagations  = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}
	volumeOptions = []string{"ro", "rw", "z", "Z", "nocopy", "rbind", "bind"}
)

// ParseVolume reads a -v value: [source:]destination[:options]. A source with
// a slash or a leading dot is a path on this machine, else a volume's name.
func ParseVolume(spec string) (containers.Mount, error) {
	var m containers.Mount
	fields := strings.Split(spec, ":")
	switch {
	case spec == "" || slices.Contains(fields, ""):
		return m, bad(`invalid volume "%s": an empty part: should be [source:]destination[:options]`, spec)
	case len(fields) > 3:
		return m, bad(`invalid volume "%s": too many colons: should be [source:]destination[:options]`, spec)
	case len(fields) == 1:
		m = containers.Mount{Type: "volume", Destination: fields[0]}
	default:
		source, err := parseSource(spec, fields[0])
		if err != nil {
			return m, err
		}
		source.Destination = fields[1]
		m = source
	}
	if len(fields) == 3 {
		if err := volumeFlags(spec, fields[2], &m); err != nil {
			return m, err
		}
	}
	dest, err := destination(`volume "`+spec+`"`, m.Destination)
	m.Destination = dest
	return m, err
}

// parseSource tells a host path from a volume's name.
func parseSource(spec, source string) (containers.Mount, error) {
	switch {
	case strings.HasPrefix(source, "/"):
		return containers.Mount{Type: "bind", Source: path.Clean(source)}, nil
	case source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../"):
		abs, err := filepath.Abs(source)
		return containers.Mount{Type: "bind", Source: abs}, err
	case !nameLike(source):
		return containers.Mount{}, bad(`invalid volume "%s": "%s" is no volume name: names must match `+
			`[a-zA-Z0-9][a-zA-Z0-9_.-]*; for a path on this machine write ./%s`, spec, source, source)
	}
	return containers.Mount{Type: "volume", Source: source}, nil
}

func volumeFlags(spec, list string, m *containers.Mount) error {
	var access, propagation string
	for _, option := range strings.Split(list, ",") {
		switch {
		case option == "ro" || option == "rw":
			if access != "" && access != option {
				return bad(`invalid volume "%s": options ro and rw exclude each other`, spec)
			}
			access, m.ReadOnly = option, option == "ro"
			continue
		case slices.Contains(propagations, option):
			if m.Type != "bind" {
				return bad(`invalid volume "%s": option "%s" is for paths on this machine only`, spec, option)
			}
			if propagation != "" {
				return bad(`invalid volume "%s": options %s and %s exclude each other`, spec, propagation, option)
			}
			propagation = option
		case option == "nocopy" && m.Type != "volume":
			return bad(`invalid volume "%s": option "nocopy" is for volumes only`, spec)
		case !slices.Contains(volumeOptions, option):
			return bad(`invalid volume "%s": invalid option "%s": allowed are %s`, spec, option,
				strings.Join(append(slices.Clone(volumeOptions), propagations...), ", "))
		}
		m.Options = append(m.Options, option)
	}
	return nil
}

// destination checks and cleans a path in the container. what names the option
// it came with.
func destination(what, dest string) (string, error) {
	if !strings.HasPrefix(dest, "/") {
		return "", bad(`invalid %s: invalid mount path: '%s' must be an absolute path`, what, dest)
	}
	clean := path.Clean(dest)
	switch {
	case strings.ContainsRune(dest, 0):
		return "", bad(`invalid %s: contains a nul byte`, what)
	case clean == "/", clean == "/proc", clean == "/sys", clean == "/dev", strings.HasPrefix(clean, "/proc/"):
		return "", bad(`invalid %s: destination can't be '%s'`, what, clean)
	}
	return clean, nil
}

// CheckMounts looks at all mounts of a container together: one mount per
// destination, and every bind source is there. Nothing is created.
func CheckMounts(mounts []containers.Mount) error {
	at := map[string]bool{}
	for _, m := range mounts {
		if at[m.Destination] {
			return bad("Duplicate mount point: %s", m.Destination)
		}
		at[m.Destination] = true
		if m.Type != "bind" {
			continue
		}
		if _, err := os.Stat(m.Source); os.IsNotExist(err) {
			return bad("bind source path does not exist: %s", m.Source)
		} else if err != nil {
			return err
		}
	}
	return nil
}
