package runtime

import (
	"fmt"
	"os"
	"strings"
)

// Spec says what runs and how it is confined. Everything the host decides
// (capabilities, system calls, masked paths, devices) is the package's own.
type Spec struct {
	ID string // also the name of the state directory
	// StateRoot/ID is the state directory. It belongs on a tmpfs, and must not
	// be below the directory of this program's file: then the init stage cannot
	// be sealed by an overlay and the whole program is copied at each start.
	StateRoot string
	Rootfs    string // mounted, absolute, no symbolic link in it
	// CgroupPath is relative to each hierarchy's root; "" is Parent()/ID.
	CgroupPath string

	Args           []string
	Env            []string // NAME=value; HOME is added from passwd when missing
	Cwd            string   // made when missing
	UID, GID       uint32
	AdditionalGIDs []uint32
	Tty            bool
	Hostname       string

	// Mounts are done in this order, after the package's own (/proc, /dev,
	// /dev/pts, /dev/shm, /dev/mqueue, /sys, /sys/fs/cgroup). One with the
	// destination of an own mount replaces it.
	Mounts []Mount
	NetNS  string // "new" or "", "host", or the path of a namespace

	Memory    int64 // bytes; 0 = unlimited
	NanoCPUs  int64 // 1e9 = one core; 0 = unlimited
	PidsLimit int64 // 0 = 2048, below 0 = unlimited

	ReadonlyRootfs    bool
	NoNewPrivileges   bool
	SeccompUnconfined bool
	// AllowSocketcall leaves socketcall(2) to 386 programs. A filter cannot
	// look into its arguments, so AF_ALG and AF_VSOCK come with it.
	AllowSocketcall bool
	Arch            string // GOARCH of the image; "" = this program's
}

// Mount is one mount of the container, in the words of the OCI runtime
// specification. A bind mount has "bind" or "rbind" among its options.
type Mount struct {
	Source, Destination, Type string
	Options                   []string
}

// ExecSpec is a further program in a running container.
type ExecSpec struct {
	Args, Env      []string
	Cwd            string
	UID, GID       uint32
	AdditionalGIDs []uint32
	Tty            bool
}

// Stdio is what the program reads and writes. With Tty the files are unused:
// Process.Master is the terminal. The caller closes the files after Start.
type Stdio struct {
	Tty                   bool
	Cols, Rows            uint16 // 0 = 80×24
	Stdin, Stdout, Stderr *os.File
}

// ParentEnv names the environment variable that moves every container's cgroup
// below another parent, so that tests keep out of each other's way.
const ParentEnv = "GANTRY_CGROUP_PARENT"

// Parent is the cgroup all containers without a path of their own live in.
func Parent() string {
	if p := os.Getenv(ParentEnv); strings.HasPrefix(p, "/") && len(p) > 1 {
		return p
	}
	return "/gantry"
}

func (s *Spec) check() error {
	switch {
	case s.ID == "" || strings.ContainsAny(s.ID, "/\x00") || s.ID == "." || s.ID == "..":
		return fmt.Errorf("container id %q: not a plain name", s.ID)
	case len(s.Args) == 0 || s.Args[0] == "":
		return fmt.Errorf("no command specified")
	case s.UID > maxID || s.GID > maxID:
		return fmt.Errorf("uids and gids must be in range 0-%d", maxID)
	}
	for _, m := range s.Mounts {
		if !strings.HasPrefix(m.Destination, "/") {
			return fmt.Errorf("mount destination %q: not an absolute path", m.Destination)
		}
		if strings.ContainsRune(m.Source+m.Destination+m.Type, 0) {
			return fmt.Errorf("mount %q: null byte", m.Destination)
		}
	}
	return nil
}

// maxID is the largest user or group id a program can be started with.
const maxID = 1<<31 - 1
