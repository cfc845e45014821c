package headless

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gantry/engine"
)

// containerJSON is a container in the field names of Docker's API.
type containerJSON struct {
	ID              string `json:"Id"`
	Created         string
	Path            string
	Args            []string
	State           stateJSON
	Image           string
	Name            string
	RestartCount    int
	Driver          string
	Platform        string
	MountLabel      string
	ProcessLabel    string
	AppArmorProfile string
	HostConfig      hostConfigJSON
	Mounts          []mountJSON
	Config          configJSON
	NetworkSettings networkJSON
	Damaged         string `json:",omitempty"`
}

type stateJSON struct {
	Status     string
	Running    bool
	Paused     bool
	Restarting bool
	OOMKilled  bool
	Dead       bool
	Pid        int
	ExitCode   int
	Error      string
	StartedAt  string
	FinishedAt string
}

type hostConfigJSON struct {
	Binds         []string
	NetworkMode   string
	PortBindings  map[string][]portBinding
	RestartPolicy struct {
		Name              string
		MaximumRetryCount int
	}
	AutoRemove     bool
	Privileged     bool
	ReadonlyRootfs bool
	SecurityOpt    []string
	Memory         int64
	NanoCpus       int64
	PidsLimit      *int64
	Tmpfs          map[string]string `json:",omitempty"`
}

type portBinding struct{ HostIp, HostPort string } //nolint:revive // Docker's spelling

type mountJSON struct {
	Type        string
	Name        string `json:",omitempty"`
	Source      string
	Destination string
	Mode        string
	RW          bool
}

// configJSON is the Config of a container and of an image.
type configJSON struct {
	Hostname     string
	User         string
	ExposedPorts map[string]struct{} `json:",omitempty"`
	Tty          bool
	OpenStdin    bool
	StdinOnce    bool
	Env          []string
	Cmd          []string
	Image        string
	Volumes      map[string]struct{}
	WorkingDir   string
	Entrypoint   []string
	Labels       map[string]string
	StopSignal   string `json:",omitempty"`
	StopTimeout  *int   `json:",omitempty"`
}

type endpointJSON struct {
	IPAddress  string
	Gateway    string
	MacAddress string
}

type networkJSON struct {
	Ports map[string][]portBinding
	endpointJSON
	Networks map[string]endpointJSON
}

func containerDetails(c engine.Container) containerJSON {
	command := append(append([]string{}, c.Config.Entrypoint...), c.Config.Cmd...)
	d := containerJSON{ID: c.ID, Created: stamp(c.Created), Args: []string{}, State: stateDetails(c),
		Image: c.ImageID.String(),
		Name:  "/" + c.Name, Driver: "overlay2", Platform: "linux", HostConfig: hostDetails(c), Mounts: []mountJSON{},
		Config: configDetails(c), NetworkSettings: networkDetails(c), Damaged: c.Damaged}
	if len(command) > 0 {
		d.Path, d.Args = command[0], command[1:]
	}
	for _, m := range c.Host.Mounts {
		j := mountJSON{Type: m.Type, Source: m.Source, Destination: m.Destination, RW: !m.ReadOnly,
			Mode: strings.Join(m.Options, ",")}
		if m.Type == "volume" {
			j.Name, j.Source = m.Source, ""
		}
		d.Mounts = append(d.Mounts, j)
	}
	return d
}

func stateDetails(c engine.Container) stateJSON {
	s := c.State
	d := stateJSON{Status: string(s.Status), Running: s.Status == engine.Running || s.Status == engine.Paused,
		Paused: s.Status == engine.Paused, OOMKilled: s.OOMKilled, Dead: s.Status == "dead", Error: s.Error,
		ExitCode: s.ExitCode, StartedAt: stamp(s.StartedAt), FinishedAt: stamp(s.FinishedAt)}
	if d.Error == "" {
		d.Error = s.Reason
	}
	if d.Running {
		d.Pid = s.Pid
	}
	return d
}

func hostDetails(c engine.Container) hostConfigJSON {
	h := c.Host
	d := hostConfigJSON{NetworkMode: network(c), PortBindings: map[string][]portBinding{}, AutoRemove: h.AutoRemove,
		ReadonlyRootfs: h.ReadonlyRootfs, SecurityOpt: h.SecurityOpt, Memory: h.Memory, NanoCpus: h.NanoCPUs}
	d.RestartPolicy.Name = "no"
	if h.PidsLimit != 0 {
		d.PidsLimit = &h.PidsLimit
	}
	for _, p := range h.Ports {
		key := fmt.Sprintf("%d/%s", p.ContainerPort, p.Proto)
		host := ""
		if p.HostPort != 0 {
			host = strconv.Itoa(int(p.HostPort))
		}
		d.PortBindings[key] = append(d.PortBindings[key], portBinding{p.HostIP, host})
	}
	for _, m := range h.Mounts {
		options := m.Options
		if m.ReadOnly {
			options = append([]string{"ro"}, options...)
		}
		switch {
		case m.Type == "tmpfs":
			if d.Tmpfs == nil {
				d.Tmpfs = map[string]string{}
			}
			d.Tmpfs[m.Destination] = strings.Join(options, ",")
		case m.Source != "":
			bind := m.Source + ":" + m.Destination
			if len(options) > 0 {
				bind += ":" + strings.Join(options, ",")
			}
			d.Binds = append(d.Binds, bind)
		}
	}
	return d
}

func configDetails(c engine.Container) configJSON {
	g := c.Config
	return configJSON{Hostname: g.Hostname, User: g.User, ExposedPorts: nameSet(g.ExposedPorts), Tty: g.Tty,
		OpenStdin: g.OpenStdin,
		StdinOnce: g.StdinOnce, Env: list(g.Env), Cmd: g.Cmd, Image: c.Image, Volumes: nameSet(g.Volumes),
		WorkingDir: g.WorkingDir, Entrypoint: g.Entrypoint, Labels: labelMap(g.Labels), StopSignal: g.StopSignal,
		StopTimeout: g.StopTimeout}
}

func networkDetails(c engine.Container) networkJSON {
	at := endpointJSON{c.State.IPAddress, c.State.Gateway, c.State.MacAddress}
	d := networkJSON{Ports: map[string][]portBinding{}, endpointJSON: at, Networks: map[string]endpointJSON{network(c): at}}
	for _, p := range exposedPorts(c) {
		d.Ports[fmt.Sprintf("%d/%s", p.ContainerPort, p.Proto)] = nil
	}
	for _, p := range publishedPorts(c) {
		key := fmt.Sprintf("%d/%s", p.ContainerPort, p.Proto)
		d.Ports[key] = append(d.Ports[key], portBinding{hostIP(p), strconv.Itoa(int(p.HostPort))})
	}
	return d
}

// stamp is a time as Docker's API writes it; 0001-01-01T00:00:00Z for never.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func labelMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func nameSet(names []string) map[string]struct{} {
	if len(names) == 0 {
		return nil
	}
	m := make(map[string]struct{}, len(names))
	for _, n := range names {
		m[n] = struct{}{}
	}
	return m
}
