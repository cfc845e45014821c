package launch

import (
	"os"

	"golang.org/x/sys/unix"
)

// child is a supervisor as its parent sees it: something to reap.
type child struct {
	p     *os.Process
	pidfd int // -1 on kernels without
}

func (c *child) kill() { _ = c.p.Kill() }

// reap waits for a supervisor that is about to end.
func (c *child) reap() {
	_, _ = c.p.Wait()
	if c.pidfd >= 0 {
		_ = unix.Close(c.pidfd)
	}
}

// reapLater waits for the supervisor in the background, so that a program that
// lives long collects no zombies. The goroutine ends with the supervisor or
// with this program. Waiting on the pidfd through Go's poller costs no thread.
func (c *child) reapLater() {
	f := pollable(c.pidfd)
	if f == nil {
		go func() { _, _ = c.p.Wait() }()
		return
	}
	go func() {
		defer f.Close()
		if conn, err := f.SyscallConn(); err == nil {
			_ = conn.Read(exited)
		}
		_, _ = c.p.Wait()
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
