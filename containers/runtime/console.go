package runtime

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// console is the socket pair over which the init stage hands out the terminal
// it opened inside the container.
type console struct{ ours, theirs *os.File }

func newConsole() (*console, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	return &console{ours: os.NewFile(uintptr(fds[0]), "console"), theirs: os.NewFile(uintptr(fds[1]), "console")}, nil
}

// Close closes both ends. A console that never was closes as well.
func (c *console) Close() {
	if c != nil {
		_ = c.ours.Close()
		_ = c.theirs.Close()
	}
}

// master takes the terminal, which must have been sent already. It is
// non-blocking, so that a read ends when the file is closed.
func (c *console) master() (*os.File, error) {
	text, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*4))
	_, n, _, _, err := unix.Recvmsg(int(c.ours.Fd()), text, rights, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err != nil {
		return nil, fmt.Errorf("receiving the terminal: %w", os.NewSyscallError("recvmsg", err))
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return nil, errors.Join(errors.New("receiving the terminal: no descriptor came"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil, errors.Join(errors.New("receiving the terminal: no descriptor came"), err)
	}
	for _, extra := range fds[1:] {
		_ = unix.Close(extra)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_ = unix.Close(fds[0])
		return nil, fmt.Errorf("receiving the terminal: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "/dev/ptmx"), nil
}
