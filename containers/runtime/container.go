package runtime

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// Container is one container of this process. Its methods are safe for
// concurrent use, except Start, Release and Destroy, which come once each and
// in that order.
type Container struct {
	spec    Spec
	lib     *libcontainer.Container
	thread  *thread
	cgroups map[string]string // by controller; "" is cgroup v2
	notices []string
	state   string // directory

	mu   sync.Mutex
	init *Process
	gone bool
}

// Create checks spec and makes the state directory. No process, cgroup or
// mount is made before Start, so CgroupPaths can be written down in between.
func Create(spec Spec) (*Container, error) {
	cfg, notices, err := configOf(&spec)
	if err != nil {
		return nil, &StartError{Code: codeEngine, Err: err}
	}
	lib, err := libcontainer.Create(spec.StateRoot, spec.ID, cfg)
	if err != nil {
		return nil, asStartError(err)
	}
	c := &Container{spec: spec, lib: lib, notices: notices, state: filepath.Join(spec.StateRoot, spec.ID)}
	st, err := lib.State()
	if err != nil {
		_ = lib.Destroy()
		return nil, asStartError(err)
	}
	c.cgroups = st.CgroupPaths
	c.thread = newThread()
	return c, nil
}

// CgroupPaths are the directories Start makes, absolute and sorted.
func (c *Container) CgroupPaths() []string {
	return slices.Compact(slices.Sorted(maps.Values(c.cgroups)))
}

// Notices say which of the limits asked for this machine cannot enforce.
func (c *Container) Notices() []string { return slices.Clone(c.notices) }

// Start makes the namespaces and the root file system. The program waits for
// Release; Process.Pid is there for wiring its network until then. After an
// error everything is undone as by Destroy; it is a *StartError.
func (c *Container) Start(io Stdio) (*Process, error) {
	lp := &libcontainer.Process{
		Init: true, Args: c.spec.Args, Env: c.spec.Env, Cwd: cwd(c.spec.Cwd),
		UID: int(c.spec.UID), GID: int(c.spec.GID), AdditionalGroups: ints(c.spec.AdditionalGIDs),
	}
	var p *Process
	err := c.thread.do(func() (err error) {
		p, err = launch(lp, io, c.lib.Start)
		return err
	})
	if err != nil {
		_ = c.Destroy() // leaves nothing the caller could do better about
		return nil, asStartError(err)
	}
	c.mu.Lock()
	c.init = p
	c.mu.Unlock()
	return p, nil
}

// Release lets the user's program run.
func (c *Container) Release() error { return asStartError(c.lib.Exec()) }

// Exec runs a further program under the same confinement. Its exit status is
// its own Wait's.
func (c *Container) Exec(e ExecSpec, io Stdio) (*Process, error) {
	if len(e.Args) == 0 || e.Args[0] == "" {
		return nil, &StartError{Code: codeNotExecutable, Err: errors.New("no command specified")}
	}
	if e.UID > maxID || e.GID > maxID {
		return nil, &StartError{Code: codeNotExecutable, Err: fmt.Errorf("uids and gids must be in range 0-%d", maxID)}
	}
	if c.main() == nil || c.main().ended() {
		return nil, &StartError{Code: codeNotExecutable, Err: ErrNotRunning}
	}
	lp := &libcontainer.Process{
		Args: e.Args, Env: e.Env, Cwd: cwd(e.Cwd), Capabilities: capsOf(e.UID),
		UID: int(e.UID), GID: int(e.GID), AdditionalGroups: ints(e.AdditionalGIDs),
	}
	var p *Process
	err := c.thread.do(func() (err error) {
		p, err = launch(lp, io, c.lib.Run)
		return err
	})
	return p, execError(err)
}

// execError is a StartError whose code is 126 unless there is a better one.
func execError(err error) error {
	err = asStartError(err)
	var se *StartError
	if errors.As(err, &se) && se.Code == codeEngine {
		se.Code = codeNotExecutable
	}
	return err
}

// Signal sends sig to the main program. SIGKILL also ends a paused container.
func (c *Container) Signal(sig os.Signal) error {
	p := c.main()
	if p == nil || p.ended() {
		return ErrNotRunning
	}
	if sig != unix.SIGKILL {
		return p.Signal(sig)
	}
	err := c.lib.Signal(sig)
	if errors.Is(err, libcontainer.ErrNotRunning) {
		return ErrNotRunning
	}
	return err
}

// Pause freezes every process of the container; Resume thaws them.
func (c *Container) Pause() error { return stopped(c.lib.Pause()) }

// Resume undoes Pause.
func (c *Container) Resume() error { return stopped(c.lib.Resume()) }

func stopped(err error) error {
	if errors.Is(err, libcontainer.ErrNotRunning) {
		return ErrNotRunning
	}
	return err
}

// OOMKilled tells whether the kernel killed any process of the container for
// want of memory. The count goes with Destroy.
func (c *Container) OOMKilled() (bool, error) {
	n, err := oomKills(c.cgroups)
	return n > 0, err
}

// Destroy kills what still runs and removes cgroups and state. Doing it twice
// is harmless.
func (c *Container) Destroy() error {
	c.mu.Lock()
	gone, p := c.gone, c.init
	c.gone = true
	c.mu.Unlock()
	if gone {
		return nil
	}
	if p != nil && !p.ended() {
		_ = c.Signal(unix.SIGKILL)
		_, _ = p.Wait()
	}
	err := c.lib.Destroy()
	if err != nil {
		err = CleanUp(Leftover{ID: c.spec.ID, StateRoot: c.spec.StateRoot, CgroupPaths: c.CgroupPaths()})
	}
	c.thread.end()
	return err
}

func (c *Container) main() *Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.init
}

func cwd(dir string) string {
	if dir == "" {
		return "/"
	}
	return dir
}
