// Package spec turns a container's record into what the runtime starts. It
// reads the mounted root file system for users and groups, never trusting what
// it finds there: an image can hold a symbolic link, a FIFO or a gigabyte in
// any place. Labels never influence a spec.
package spec

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"gantry/containers"
	"gantry/containers/runtime"
)

// In is where a container's parts are on this machine.
type In struct {
	Rootfs       string            // mounted, absolute
	StateRoot    string            // of the runtime
	ContainerDir string            // hosts, hostname and resolv.conf are written here
	Volumes      map[string]string // volume name → its _data directory
	ResolvConf   []byte            // nil = the host's /etc/resolv.conf as it is
	NetNS        string            // "" = by the record's network mode
	CgroupPath   string            // "" = the runtime's default
}

// ErrNoCommand is the error of an image and a user who both name no program.
var ErrNoCommand = errors.New("no command specified")

// Build makes the spec of rec. It writes the three files of /etc, fills new
// volumes from the image, and otherwise changes nothing.
func Build(rec containers.Record, in In) (runtime.Spec, error) {
	root, err := openRoot(in.Rootfs)
	if err != nil {
		return runtime.Spec{}, err
	}
	defer root.Close()
	args := append(append([]string(nil), rec.Config.Entrypoint...), rec.Config.Cmd...)
	if len(args) == 0 || args[0] == "" {
		return runtime.Spec{}, ErrNoCommand
	}
	who, err := root.user(rec.Config.User)
	if err != nil {
		return runtime.Spec{}, err
	}
	hostname, err := hostnameOf(rec)
	if err != nil {
		return runtime.Spec{}, err
	}
	env, err := environ(rec.Config.Env, hostname, who.Home, rec.Config.Tty)
	if err != nil {
		return runtime.Spec{}, err
	}
	s := runtime.Spec{
		ID: rec.ID, StateRoot: in.StateRoot, Rootfs: in.Rootfs, CgroupPath: in.CgroupPath,
		Args: args, Env: env, UID: who.UID, GID: who.GID, AdditionalGIDs: who.Groups,
		Tty: rec.Config.Tty, Hostname: hostname, NetNS: netns(rec, in),
		Memory: rec.Host.Memory, NanoCPUs: rec.Host.NanoCPUs, PidsLimit: rec.Host.PidsLimit,
		ReadonlyRootfs: rec.Host.ReadonlyRootfs, Arch: root.arch(rec.Platform),
	}
	if err := security(&s, rec.Host.SecurityOpt); err != nil {
		return runtime.Spec{}, err
	}
	if s.Mounts, err = mounts(root, rec, in); err != nil {
		return runtime.Spec{}, err
	}
	if s.Cwd, err = root.workdir(rec.Config.WorkingDir, s.Mounts); err != nil {
		return runtime.Spec{}, err
	}
	return s, writeFiles(rec, in, hostname)
}

func netns(rec containers.Record, in In) string {
	switch {
	case in.NetNS != "":
		return in.NetNS
	case rec.Host.NetworkMode == "host":
		return "host"
	}
	return "new"
}

// arch is the second part of os/arch[/variant], except that an amd64 image with
// a 32-bit loader counts as 386: without that architecture in the filter its
// 32-bit programs would be killed at their first system call.
func (r *root) arch(platform string) string {
	_, rest, _ := strings.Cut(platform, "/")
	a, _, _ := strings.Cut(rest, "/")
	if a != "amd64" {
		return a
	}
	for _, loader := range []string{"/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1"} {
		if f, err := r.open(loader); err == nil {
			_ = f.Close()
			return "386"
		}
	}
	return a
}

// security reads docker's --security-opt words, and one of our own:
// socketcall=allow.
func security(s *runtime.Spec, opts []string) error {
	for _, opt := range opts {
		key, value, _ := strings.Cut(strings.Replace(opt, ":", "=", 1), "=")
		switch {
		case key == "seccomp" && value == "unconfined":
			s.SeccompUnconfined = true
		case key == "socketcall" && value == "allow":
			s.AllowSocketcall = true
		case key == "no-new-privileges" && (value == "" || value == "true"):
			s.NoNewPrivileges = true
		case key == "no-new-privileges" && value == "false":
			s.NoNewPrivileges = false
		default:
			return fmt.Errorf("invalid --security-opt %q: know seccomp=unconfined, no-new-privileges, socketcall=allow", opt)
		}
	}
	return nil
}

func hostnameOf(rec containers.Record) (string, error) {
	name := rec.Config.Hostname
	switch {
	case name == "" && rec.Host.NetworkMode == "host":
		return os.Hostname()
	case name == "":
		return rec.ID[:min(12, len(rec.ID))], nil
	case len(name) > 64 || strings.Trim(name, hostnameChars) != "" || strings.HasPrefix(name, "-"):
		return "", fmt.Errorf("invalid hostname %q: at most 64 letters, digits, dots and hyphens", name)
	}
	return name, nil
}

const hostnameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

// workdir checks the working directory. The runtime makes a missing one from
// inside the container, where a link can lead nowhere else.
func (r *root) workdir(dir string, mounts []runtime.Mount) (string, error) {
	if dir == "" {
		return "/", nil
	}
	if !path.IsAbs(dir) {
		return "", fmt.Errorf("the working directory %q is invalid, it needs to be an absolute path", dir)
	}
	dir = path.Clean(dir)
	if covered(dir, mounts) {
		return dir, nil
	}
	f, err := r.open(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return dir, nil
	case err != nil:
		return "", fmt.Errorf("working directory %q: %w", dir, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.IsDir() {
		return "", fmt.Errorf("working directory %q is a file, not a directory", dir)
	}
	return dir, nil
}

// covered tells whether dir is on a mount, so that the root file system does
// not say what it is.
func covered(dir string, mounts []runtime.Mount) bool {
	for _, m := range append([]runtime.Mount{{Destination: "/proc"}, {Destination: "/sys"}, {Destination: "/dev"}}, mounts...) {
		if dir == m.Destination || strings.HasPrefix(dir, strings.TrimSuffix(m.Destination, "/")+"/") {
			return true
		}
	}
	return false
}
