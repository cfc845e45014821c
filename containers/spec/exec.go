package spec

import (
	"fmt"
	"path"

	"gantry/containers"
	"gantry/containers/runtime"
)

// ExecIn is a further program as the user asked for it. Empty fields are the
// container's own.
type ExecIn struct {
	Args []string
	Env  []string // over the container's
	User string
	Cwd  string
	Tty  bool
}

// Exec makes the runtime's words for a program in the running container rec,
// whose root file system is at rootfs.
func Exec(rec containers.Record, rootfs string, e ExecIn) (runtime.ExecSpec, error) {
	if len(e.Args) == 0 || e.Args[0] == "" {
		return runtime.ExecSpec{}, ErrNoCommand
	}
	root, err := openRoot(rootfs)
	if err != nil {
		return runtime.ExecSpec{}, err
	}
	defer root.Close()
	name := e.User
	if name == "" {
		name = rec.Config.User
	}
	who, err := root.user(name)
	if err != nil {
		return runtime.ExecSpec{}, err
	}
	hostname, err := hostnameOf(rec)
	if err != nil {
		return runtime.ExecSpec{}, err
	}
	env, err := environ(merge(rec.Config.Env, e.Env), hostname, who.Home, e.Tty)
	if err != nil {
		return runtime.ExecSpec{}, err
	}
	cwd := e.Cwd
	if cwd == "" {
		cwd = rec.Config.WorkingDir
	}
	if cwd != "" && !path.IsAbs(cwd) {
		return runtime.ExecSpec{}, fmt.Errorf("the working directory %q is invalid, it needs to be an absolute path", cwd)
	}
	return runtime.ExecSpec{
		Args: e.Args, Env: env, Cwd: path.Clean("/" + cwd), Tty: e.Tty,
		UID: who.UID, GID: who.GID, AdditionalGIDs: who.Groups,
	}, nil
}
