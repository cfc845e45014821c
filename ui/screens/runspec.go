package screens

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"

	"github.com/kballard/go-shellquote"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// words writes an argument vector as a shell would read it.
func words(argv []string) string { return shellquote.Join(argv...) }

// fieldError is a mistake in one field of a form.
type fieldError struct{ field, text string }

func (e fieldError) Error() string { return e.text }

func wrong(field, format string, args ...any) error {
	return fieldError{field, fmt.Sprintf(format, args...)}
}

// runFields are the texts of the run form. What an image's config names is
// written into them first and said to the engine only where it was changed.
type runFields struct {
	command, name, network, ports, volumes, env, user, dir string
	tty, rm                                                bool
}

// usualFields is what an image's config makes of a container.
func usualFields(c v1.ImageConfig) runFields {
	f := runFields{user: engine.Printable(c.User), dir: engine.Printable(c.WorkingDir), network: "bridge"}
	f.command, f.env = printableWords(c.Cmd), printableWords(c.Env)
	for _, p := range slices.Sorted(maps.Keys(c.ExposedPorts)) {
		p = strings.TrimSuffix(p, "/tcp")
		if _, err := parsePort(p); err == nil {
			f.ports = strings.TrimPrefix(f.ports+", "+p, ", ")
		}
	}
	f.tty = len(c.ExposedPorts) == 0
	return f
}

func printableWords(argv []string) string {
	clean := make([]string, len(argv))
	for i, a := range argv {
		clean[i] = engine.Printable(a)
	}
	return words(clean)
}

// changed takes out what the image says by itself.
func (f runFields) changed(usual runFields) runFields {
	if f.command == usual.command {
		f.command = ""
	}
	if f.user == usual.user {
		f.user = ""
	}
	if f.dir == usual.dir {
		f.dir = ""
	}
	if f.network != "bridge" && f.ports == usual.ports {
		f.ports = "" // there is nothing to publish from
	}
	env, err := shellquote.Split(f.env)
	if err != nil {
		return f
	}
	same, _ := shellquote.Split(usual.env)
	f.env = words(slices.DeleteFunc(env, func(e string) bool { return slices.Contains(same, e) }))
	return f
}

// spec turns what was typed into what to create.
func (f runFields) spec(image string) (engine.RunSpec, error) {
	spec := engine.RunSpec{
		Image: image, Name: f.name, Network: f.network, Pull: engine.PullMissing,
		Tty: f.tty, OpenStdin: f.tty, AutoRemove: f.rm,
		User: f.user, WorkingDir: f.dir,
	}
	if f.dir != "" && !path.IsAbs(f.dir) {
		return spec, wrong("dir", "%q must be an absolute path", f.dir)
	}
	var err error
	if spec.Args, err = shellquote.Split(f.command); err != nil {
		return spec, wrong("command", "the quotes do not match")
	}
	for _, p := range list1(f.ports) {
		m, err := parsePort(p)
		if err != nil {
			return spec, err
		}
		spec.Ports = append(spec.Ports, m)
	}
	volumes, err := shellquote.Split(f.volumes)
	if err != nil {
		return spec, wrong("volumes", "the quotes do not match")
	}
	for _, v := range volumes {
		m, err := parseVolume(strings.TrimSuffix(v, ","))
		if err != nil {
			return spec, err
		}
		spec.Mounts = append(spec.Mounts, m)
	}
	if spec.Env, err = shellquote.Split(f.env); err != nil {
		return spec, wrong("env", "the quotes do not match")
	}
	for _, e := range spec.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return spec, wrong("env", "%q is not NAME=value", e)
		}
	}
	return spec, nil
}

// list1 splits at commas and spaces.
func list1(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// parsePort reads [[ip:]host:]container[/proto].
func parsePort(s string) (engine.PortMapping, error) {
	m := engine.PortMapping{Proto: "tcp"}
	ports, proto, ok := strings.Cut(s, "/")
	if ok {
		m.Proto = proto
	}
	if m.Proto != "tcp" && m.Proto != "udp" {
		return m, wrong("ports", "%q is no protocol: use tcp or udp", proto)
	}
	host, container := "", ports
	if i := strings.LastIndexByte(ports, ':'); i >= 0 {
		host, container = ports[:i], ports[i+1:]
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		ip := strings.Trim(host[:i], "[]")
		if _, err := netip.ParseAddr(ip); err != nil {
			return m, wrong("ports", "%q is no IP address", ip)
		}
		m.HostIP, host = ip, host[i+1:]
	}
	var err error
	if m.ContainerPort, err = parsePortNumber(container); err != nil {
		return m, err
	}
	if host != "" {
		m.HostPort, err = parsePortNumber(host)
	}
	return m, err
}

func parsePortNumber(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, wrong("ports", "port numbers must be between 1 and 65535, got %q", s)
	}
	return uint16(n), nil
}

// parseVolume reads [host-directory or volume:]directory[:ro].
func parseVolume(s string) (engine.Mount, error) {
	parts := strings.Split(s, ":")
	m := engine.Mount{Type: "volume"}
	if n := len(parts); n > 1 && (parts[n-1] == "ro" || parts[n-1] == "rw") {
		m.ReadOnly = parts[n-1] == "ro"
		parts = parts[:n-1]
	}
	switch len(parts) {
	case 1:
		m.Destination = parts[0]
	case 2:
		m.Source, m.Destination = parts[0], parts[1]
	default:
		return m, wrong("volumes", "%q should be [directory or volume:]directory[:ro]", s)
	}
	if strings.HasPrefix(m.Source, "/") {
		m.Type = "bind"
	} else if strings.Contains(m.Source, "/") {
		return m, wrong("volumes", "%q must be an absolute path or the name of a volume", m.Source)
	}
	if !path.IsAbs(m.Destination) || path.Clean(m.Destination) == "/" {
		return m, wrong("volumes", "%q must be an absolute path below / in the container", m.Destination)
	}
	return m, nil
}

// commandLine is the headless command that does the same.
func (f runFields) commandLine(image string) string {
	argv := []string{"gantry", "run"}
	if f.tty {
		argv = append(argv, "-it")
	} else {
		argv = append(argv, "-d")
	}
	if f.rm {
		argv = append(argv, "--rm")
	}
	add := func(flag string, values ...string) {
		for _, v := range values {
			if v != "" {
				argv = append(argv, flag, v)
			}
		}
	}
	add("--name", f.name)
	if f.network != "bridge" {
		add("--network", f.network)
	}
	add("--user", f.user)
	add("--workdir", f.dir)
	add("-p", list1(f.ports)...)
	volumes, _ := shellquote.Split(f.volumes)
	add("-v", volumes...)
	env, _ := shellquote.Split(f.env)
	add("-e", env...)
	line := words(append(argv, image))
	if f.command != "" {
		line += " " + f.command
	}
	return line
}
