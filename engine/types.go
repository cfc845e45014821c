package engine

import (
	"gantry/containers"
	"gantry/containers/attach"
	"gantry/containers/logs"
	"gantry/images"
	"gantry/internal/progress"
	"gantry/store"
)

// What screens and commands see of the packages below.
type (
	Image        = images.Image
	PullOptions  = images.PullOptions
	RemoveResult = images.RemoveResult
	HistoryEntry = images.HistoryEntry

	Container   = containers.Container
	Status      = containers.Status
	PortMapping = containers.PortMapping
	Mount       = containers.Mount

	// ExecSpec describes a process to start in a running container;
	// AttachOptions choose what to attach to; SessionInfo describes what there
	// is.
	ExecSpec      = attach.ExecSpec
	AttachOptions = attach.Options
	SessionInfo   = attach.Info
	// Change says that a kind of object changed; read it again.
	Change = store.Change

	Session   = attach.Session
	Streams   = attach.Streams
	Result    = attach.Result
	LogReader = logs.Reader
	LogLine   = logs.Line
	LogPos    = logs.Pos
	LogOpts   = logs.Options

	Sink      = progress.Sink
	Step      = progress.Step
	Log       = progress.Log
	StepState = progress.State
)

// States of a container.
const (
	Created = containers.Created
	Running = containers.Running
	Paused  = containers.Paused
	Exited  = containers.Exited
)

// Sentinels of the store, for errors.Is.
var (
	ErrNotFound = store.ErrNotFound
	ErrExists   = store.ErrExists
	ErrInUse    = store.ErrInUse
	ErrLocked   = store.ErrLocked
	ErrDamaged  = store.ErrDamaged
	ErrInvalid  = store.ErrInvalid
	ErrReadOnly = store.ErrReadOnly

	// ErrNotRunning is what errors about containers that should run are.
	ErrNotRunning = containers.ErrNotRunning
)

// PullPolicy says when run and create ask the registry.
type PullPolicy string

// Pull policies, as in docker run --pull.
const (
	PullMissing PullPolicy = "missing"
	PullAlways  PullPolicy = "always"
	PullNever   PullPolicy = "never"
)

// RunSpec describes a container to create. The zero value of a field leaves
// the image's config or the engine's default in force.
type RunSpec struct {
	Image    string
	Args     []string // replaces the image's Cmd
	Name     string
	Pull     PullPolicy
	Platform string
	Insecure bool
	Quiet    bool

	Entrypoint  *[]string // nil: the image's; empty: none
	Env         []string  // NAME=value, already resolved against the caller's environment
	WorkingDir  string
	User        string
	Hostname    string
	Labels      map[string]string
	StopSignal  string
	StopTimeout *int // seconds

	Tty        bool
	OpenStdin  bool
	AutoRemove bool
	Cols, Rows uint16 // first size of the terminal; 0: 80×24

	Network        string // "", bridge, none, host
	Ports          []PortMapping
	Mounts         []Mount
	Memory         int64 // bytes
	NanoCPUs       int64
	PidsLimit      int64
	SecurityOpt    []string
	ReadonlyRootfs bool
}

// StopOptions say how to stop.
type StopOptions struct {
	Signal  string // "": the container's stop signal
	Timeout *int   // seconds until SIGKILL; nil: the container's; -1: never
}

// RemoveOptions say what may be removed.
type RemoveOptions struct {
	Force   bool // kill it first
	Volumes bool // also its anonymous volumes
}
