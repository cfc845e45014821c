// Package containers keeps what a container is (its record) and moves it
// through its life: created, running, paused, exited. A record is written by
// whoever holds the container's lock. Whether a container runs is never read
// from a record or a pid: it runs if and only if its supervisor holds the
// supervisor lock. The package does not know images, registries or screens.
package containers

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// Status is a container's state, named as in Docker.
type Status string

// The states of a container.
const (
	Created  Status = "created"
	Running  Status = "running"
	Paused   Status = "paused"
	Exited   Status = "exited"
	Removing Status = "removing"
	Dead     Status = "dead"
)

// Record is all that is kept of a container across restarts of the machine:
// containers/<id>/record.json.
type Record struct {
	ID      string        `json:"id"` // 64 hexadecimal digits
	Name    string        `json:"name"`
	Created time.Time     `json:"created"`
	Image   string        `json:"image"`   // as the user gave it
	ImageID digest.Digest `json:"imageID"` // config digest
	// Layers are the diff-ids of the root file system, lowest first. They keep
	// the layers from being pruned.
	Layers   []digest.Digest `json:"layers"`
	Platform string          `json:"platform"` // os/arch[/variant] of the image
	Config   Config          `json:"config"`
	Host     HostConfig      `json:"host"`
	State    State           `json:"state"`
}

// Config is what runs: the image's config merged with the user's options.
type Config struct {
	Hostname     string            `json:"hostname,omitempty"`
	User         string            `json:"user,omitempty"` // name|uid[:group|gid], resolved in the container
	Env          []string          `json:"env,omitempty"`  // NAME=value
	Entrypoint   []string          `json:"entrypoint,omitempty"`
	Cmd          []string          `json:"cmd,omitempty"`
	WorkingDir   string            `json:"workingDir,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	ExposedPorts []string          `json:"exposedPorts,omitempty"` // port/proto
	Volumes      []string          `json:"volumes,omitempty"`      // image VOLUME paths
	StopSignal   string            `json:"stopSignal,omitempty"`   // name or number; default SIGTERM
	Tty          bool              `json:"tty,omitempty"`
	OpenStdin    bool              `json:"openStdin,omitempty"`
	StdinOnce    bool              `json:"stdinOnce,omitempty"`   // close stdin when the first attached client leaves
	StopTimeout  *int              `json:"stopTimeout,omitempty"` // seconds; -1 waits for ever; default 10
}

// HostConfig is how it runs on this machine.
type HostConfig struct {
	NetworkMode    string        `json:"networkMode,omitempty"` // bridge, none, host or a network's name
	Ports          []PortMapping `json:"ports,omitempty"`
	Mounts         []Mount       `json:"mounts,omitempty"`
	AutoRemove     bool          `json:"autoRemove,omitempty"`
	Memory         int64         `json:"memory,omitempty"`      // bytes; 0 = unlimited
	NanoCPUs       int64         `json:"nanoCPUs,omitempty"`    // 1e9 = one core; 0 = unlimited
	PidsLimit      int64         `json:"pidsLimit,omitempty"`   // 0 = default (2048), -1 = unlimited
	SecurityOpt    []string      `json:"securityOpt,omitempty"` // seccomp=unconfined, no-new-privileges
	LogMaxBytes    int64         `json:"logMaxBytes,omitempty"` // 0 = default (30 MB)
	ReadonlyRootfs bool          `json:"readonlyRootfs,omitempty"`
}

// PortMapping publishes a container port on the host.
type PortMapping struct {
	HostIP        string `json:"hostIP,omitempty"` // "" = the engine's default
	HostPort      uint16 `json:"hostPort"`         // 0 = ephemeral, chosen at start
	ContainerPort uint16 `json:"containerPort"`
	Proto         string `json:"proto"` // tcp, udp
}

// Mount is a bind mount, a named or anonymous volume, or a tmpfs.
type Mount struct {
	Type        string   `json:"type"`             // bind, volume, tmpfs
	Source      string   `json:"source,omitempty"` // host path or volume name
	Destination string   `json:"destination"`
	ReadOnly    bool     `json:"readOnly,omitempty"`
	Options     []string `json:"options,omitempty"`
}

// State is where a container is in its life. Times are zero when not reached.
type State struct {
	Status     Status    `json:"status"`
	Pid        int       `json:"pid,omitempty"` // for display only, never a proof of life
	ExitCode   int       `json:"exitCode"`      // 255 when unknown
	Error      string    `json:"error,omitempty"`
	Reason     string    `json:"reason,omitempty"` // e.g. "supervisor lost", "host restarted"
	OOMKilled  bool      `json:"oomKilled,omitempty"`
	Stopped    bool      `json:"stopped,omitempty"` // by a user's stop or kill
	BootID     string    `json:"bootID,omitempty"`  // boot in which it last started
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	IPAddress  string    `json:"ipAddress,omitempty"`
	Gateway    string    `json:"gateway,omitempty"`
	MacAddress string    `json:"macAddress,omitempty"`
	// Ports are the mappings in force, with ephemeral ports resolved.
	Ports []PortMapping `json:"ports,omitempty"`
}

// Container is a record as found, with its status brought up to date.
type Container struct {
	Record
	// Damaged says why the record cannot be used; "" when it is whole. Only ID
	// is meaningful then.
	Damaged string `json:"damaged,omitempty"`
}
