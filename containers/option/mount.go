package option

import (
	"encoding/csv"
	"path"
	"slices"
	"strconv"
	"strings"

	"gantry/containers"
)

var mountKeys = []string{"type", "source", "src", "target", "destination", "dst", "readonly", "ro",
	"bind-propagation", "volume-nocopy", "tmpfs-size", "tmpfs-mode"}

// ParseMount reads a --mount value: comma-separated key=value, as in
// type=bind,source=/srv,target=/data,readonly.
func ParseMount(spec string) (containers.Mount, error) {
	m := containers.Mount{Type: "volume"}
	fields, err := csv.NewReader(strings.NewReader(spec)).Read()
	if err != nil {
		return m, bad(`invalid mount "%s": comma-separated key=value expected`, spec)
	}
	for _, field := range fields {
		key, value, given := strings.Cut(field, "=")
		if err := mountField(spec, strings.ToLower(strings.TrimSpace(key)), value, given, &m); err != nil {
			return m, err
		}
	}
	if err := checkMount(spec, &m); err != nil {
		return m, err
	}
	m.Destination, err = destination(`mount "`+spec+`"`, m.Destination)
	return m, err
}

func mountField(spec, key, value string, given bool, m *containers.Mount) error {
	if !slices.Contains(mountKeys, key) {
		return bad(`invalid mount "%s": unexpected key '%s'%s: allowed are %s`, spec, key,
			suggest(key, mountKeys), strings.Join(mountKeys, ", "))
	}
	switch key {
	case "readonly", "ro", "volume-nocopy":
		yes, err := parseBool(value, given)
		if err != nil {
			return bad(`invalid mount "%s": invalid value for %s: %s (true or false)`, spec, key, value)
		}
		if key != "volume-nocopy" {
			m.ReadOnly = yes
		} else if yes {
			m.Options = append(m.Options, "nocopy")
		}
		return nil
	}
	if value == "" {
		return bad(`invalid mount "%s": %s needs a value`, spec, key)
	}
	switch key {
	case "type":
		m.Type = strings.ToLower(value)
	case "source", "src":
		m.Source = value
	case "target", "destination", "dst":
		m.Destination = value
	case "bind-propagation":
		if !slices.Contains(propagations, value) {
			return bad(`invalid mount "%s": invalid propagation "%s": allowed are %s`, spec, value,
				strings.Join(propagations, ", "))
		}
		m.Options = append(m.Options, value)
	case "tmpfs-size", "tmpfs-mode":
		option, err := tmpfsOption(spec, strings.TrimPrefix(key, "tmpfs-"), value)
		m.Options = append(m.Options, option)
		return err
	}
	return nil
}

// checkMount looks at what must or must not go together.
func checkMount(spec string, m *containers.Mount) error {
	switch m.Type {
	case "bind":
		if m.Source == "" {
			return bad(`invalid mount "%s": source is required for a bind mount`, spec)
		}
		if !strings.HasPrefix(m.Source, "/") {
			return bad(`invalid mount "%s": invalid mount path: '%s' must be an absolute path`, spec, m.Source)
		}
		m.Source = path.Clean(m.Source)
	case "volume":
		if m.Source != "" && !nameLike(m.Source) {
			return bad(`invalid mount "%s": "%s" is no volume name: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*`,
				spec, m.Source)
		}
	case "tmpfs":
		if m.Source != "" {
			return bad(`invalid mount "%s": a tmpfs has no source`, spec)
		}
	default:
		return bad(`invalid mount "%s": invalid type "%s": allowed are bind, volume, tmpfs`, spec, m.Type)
	}
	if m.Destination == "" {
		return bad(`invalid mount "%s": target is required`, spec)
	}
	for _, option := range m.Options {
		fits := map[string]bool{"bind": slices.Contains(propagations, option), "volume": option == "nocopy",
			"tmpfs": strings.Contains(option, "=")}
		if !fits[m.Type] {
			return bad(`invalid mount "%s": option "%s" does not go with type %s`, spec, option, m.Type)
		}
	}
	return nil
}

var tmpfsFlags = []string{"ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev"}

// ParseTmpfs reads a --tmpfs value: destination[:options].
func ParseTmpfs(spec string) (containers.Mount, error) {
	dest, list, _ := strings.Cut(spec, ":")
	m := containers.Mount{Type: "tmpfs"}
	for _, option := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		key, value, given := strings.Cut(option, "=")
		switch {
		case option == "ro":
			m.ReadOnly = true
		case slices.Contains(tmpfsFlags, option):
			m.Options = append(m.Options, option)
		case given && (key == "size" || key == "mode" || key == "uid" || key == "gid"):
			checked, err := tmpfsOption(spec, key, value)
			if err != nil {
				return m, err
			}
			m.Options = append(m.Options, checked)
		default:
			return m, bad(`invalid tmpfs "%s": invalid option "%s": allowed are %s, size=, mode=, uid=, gid=`, spec,
				option, strings.Join(tmpfsFlags, ", "))
		}
	}
	var err error
	m.Destination, err = destination(`tmpfs "`+spec+`"`, dest)
	return m, err
}

// tmpfsOption returns key=value in the kernel's form.
func tmpfsOption(spec, key, value string) (string, error) {
	switch key {
	case "size":
		size, err := ParseSize(value)
		if err != nil || size == 0 {
			return "", bad(`invalid mount "%s": invalid size: '%s' (such as 64m)`, spec, value)
		}
		return "size=" + strconv.FormatInt(size, 10), nil
	case "mode":
		mode, err := strconv.ParseUint(value, 8, 32)
		if err != nil || mode > 0o7777 {
			return "", bad(`invalid mount "%s": invalid mode: '%s' (octal, such as 1777)`, spec, value)
		}
		return "mode=" + strconv.FormatUint(mode, 8), nil
	default:
		id, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return "", bad(`invalid mount "%s": invalid %s: '%s' (0 to 2147483647)`, spec, key, value)
		}
		return key + "=" + strconv.FormatUint(id, 10), nil
	}
}
