package runtime

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// ErrNotRunning refuses what needs a running program.
var ErrNotRunning = errors.New("not running")

// Process is a program of a container that was started.
type Process struct {
	// Master is the terminal's side that is ours, nil without one. The caller
	// closes it. Reading gives EIO once the program and its children are gone.
	Master *os.File

	pid  int
	proc *libcontainer.Process
	once sync.Once
	exit ExitStatus
	err  error
	done chan struct{}
}

// ExitStatus is how a program ended.
type ExitStatus struct {
	Code   int            // 128 + Signal when a signal ended it
	Signal syscall.Signal // 0 when it ended by itself
}

// Pid is the process id on the host.
func (p *Process) Pid() int { return p.pid }

// Wait returns when the program has ended, to any number of callers. Somebody
// must call it, or the dead program stays a zombie.
func (p *Process) Wait() (ExitStatus, error) {
	p.once.Do(func() {
		defer close(p.done)
		state, err := p.proc.Wait()
		if state == nil {
			p.exit, p.err = ExitStatus{Code: 255}, err
			return
		}
		p.exit = statusOf(state)
	})
	return p.exit, p.err
}

func statusOf(state *os.ProcessState) ExitStatus {
	ws, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return ExitStatus{Code: 255}
	case ws.Signaled():
		return ExitStatus{Code: 128 + int(ws.Signal()), Signal: ws.Signal()}
	}
	return ExitStatus{Code: ws.ExitStatus()}
}

// Signal goes through the pidfd taken at the start, so it cannot meet a
// stranger who was given the pid later. It is ErrNotRunning after the end.
func (p *Process) Signal(sig os.Signal) error {
	if p.ended() {
		return ErrNotRunning
	}
	err := p.proc.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, unix.ESRCH) {
		return ErrNotRunning
	}
	return err
}

// Resize sets the terminal's size. It does not use Master.Fd, which would make
// the file blocking for good.
func (p *Process) Resize(cols, rows uint16) error {
	if p.Master == nil {
		return errors.New("no terminal to resize")
	}
	conn, err := p.Master.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	})
	return errors.Join(err, failed)
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// launch starts lp by start and takes its terminal. It runs on the container's
// thread.
func launch(lp *libcontainer.Process, io Stdio, start func(*libcontainer.Process) error) (*Process, error) {
	var con *console
	if io.Tty {
		var err error
		if con, err = newConsole(); err != nil {
			return nil, err
		}
		defer con.Close()
		lp.ConsoleSocket = con.theirs
		lp.ConsoleWidth, lp.ConsoleHeight = size(io)
	} else {
		setFiles(lp, io)
	}
	if err := start(lp); err != nil {
		return nil, err
	}
	p := &Process{proc: lp, done: make(chan struct{})}
	var err error
	if p.pid, err = lp.Pid(); err == nil && con != nil {
		p.Master, err = con.master()
	}
	if err != nil {
		_ = lp.Signal(unix.SIGKILL)
		_, _ = lp.Wait()
		return nil, err
	}
	return p, nil
}

// setFiles leaves a nil file a nil interface: /dev/null for the program.
func setFiles(lp *libcontainer.Process, io Stdio) {
	if io.Stdin != nil {
		lp.Stdin = io.Stdin
	}
	if io.Stdout != nil {
		lp.Stdout = io.Stdout
	}
	if io.Stderr != nil {
		lp.Stderr = io.Stderr
	}
}

func size(io Stdio) (cols, rows uint16) {
	if io.Cols == 0 || io.Rows == 0 {
		return 80, 24
	}
	return io.Cols, io.Rows
}

func ints(ids []uint32) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = int(id)
	}
	return out
}
