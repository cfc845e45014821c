package attach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrNotRunning means that no supervisor listens: the container has ended or
// never started.
var ErrNotRunning = errors.New("container is not running")

// A socket address holds 108 bytes and a store may lie deeper than that, so
// both ends name the socket through a descriptor of its directory.
func throughDir(path string, use func(short string) error) error {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Dir(path), err)
	}
	defer unix.Close(dir)
	return use("/proc/self/fd/" + strconv.Itoa(dir) + "/" + filepath.Base(path))
}

// Listen makes the socket at path, replacing one that a dead process left.
// Only the owner may connect.
func Listen(path string) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var l *net.UnixListener
	err := throughDir(path, func(short string) error {
		var err error
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		if err != nil {
			return fmt.Errorf("listening on %s: %w", path, err)
		}
		l.SetUnlinkOnClose(false) // the short name means nothing any more by then
		return os.Chmod(path, 0o600)
	})
	if err != nil && l != nil {
		_ = l.Close()
		return nil, err
	}
	return l, err
}

func dial(ctx context.Context, path string) (*net.UnixConn, error) {
	var conn net.Conn
	err := throughDir(path, func(short string) error {
		var d net.Dialer
		var err error
		conn, err = d.DialContext(ctx, "unix", short)
		return err
	})
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ECONNREFUSED):
		return nil, ErrNotRunning
	case err != nil:
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// allowed reports whether the process at the other end runs as our user or as
// root. The socket's mode says the same; this holds also when that was
// changed.
func allowed(conn *net.UnixConn) bool {
	cred, err := peer(conn)
	return err == nil && (cred.Uid == 0 || int(cred.Uid) == os.Geteuid())
}

// stopped reports whether the process at the other end is stopped, as by ^Z or
// a debugger. Its pid is only good for a guess, and a guess is enough.
func stopped(conn net.Conn) bool {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	cred, err := peer(c)
	if err != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(int(cred.Pid)) + "/stat")
	if err != nil {
		return false
	}
	// pid (name) state …
	i := bytes.LastIndexByte(stat, ')')
	return i >= 0 && i+2 < len(stat) && (stat[i+2] == 'T' || stat[i+2] == 't')
}

func peer(conn *net.UnixConn) (*unix.Ucred, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return cred, errors.Join(err, credErr)
}
