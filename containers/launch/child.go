package launch

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// child is a supervisor as its parent sees it: something to reap.
type child struct {
	pid   int
	pidfd int // -1 on kernels without
}

// kill is for a child that was not reaped: nobody else can have its pid.
func (c *child) kill() { _ = unix.Kill(c.pid, unix.SIGKILL) }

// reap waits for a supervisor that is about to end.
func (c *child) reap() {
	c.wait()
	if c.pidfd >= 0 {
		_ = unix.Close(c.pidfd)
	}
}

func (c *child) wait() {
	for {
		if _, err := unix.Wait4(c.pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// reapLater waits for the supervisor in the background, so that a program that
// lives long collects no zombies. The goroutine ends with the supervisor or
// with this program. Waiting on the pidfd through Go's poller costs no thread.
func (c *child) reapLater() {
	f := pollable(c.pidfd)
	if f == nil {
		go c.wait()
		return
	}
	go func() {
		defer f.Close()
		if conn, err := f.SyscallConn(); err == nil {
			_ = conn.Read(exited)
		}
		c.wait()
	}()
}

func pollable(fd int) *os.File {
	if fd < 0 {
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), "pidfd")
}

// exited reports whether the process behind a pidfd can be waited for.
func exited(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return n > 0 || err != nil && err != unix.EINTR
}

// spawn executes a supervisor that has errs as its standard error, and returns
// our end of the connection to it. syscall.ForkExec rather than package os,
// which would first try by two more processes what this kernel can do.
func spawn(id string, env []string, errs *os.File) (_ *child, _ *net.UnixConn, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	if errs == nil {
		errs = null
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	c := &child{pidfd: -1}
	c.pid, err = syscall.ForkExec("/proc/self/exe", []string{os.Args[0], Command, id}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   env,
		Files: []uintptr{null.Fd(), null.Fd(), errs.Fd(), theirs.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNS, PidFD: &c.pidfd},
	})
	if err != nil {
		_ = ours.Close()
		return nil, nil, &os.PathError{Op: "starting the supervisor", Path: "/proc/self/exe", Err: err}
	}
	return c, ours, nil
}
