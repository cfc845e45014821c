package layer

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// disk does the system calls of one directory tree, by descriptor only. Paths
// given to it are real: without links, relative to the root, "" for the root.
// The kernel is told so and refuses a path that goes through a symbolic link,
// so that even someone who swaps directories meanwhile leads nowhere.
type disk struct {
	fd         int
	parent     int // the directory used last, -1 when none
	parentPath string
	components bool // openat2 is missing: walk one component at a time
}

func openDisk(dir string) (*disk, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &disk{fd: fd, parent: -1}, nil
}

func (d *disk) close() {
	d.forget()
	_ = unix.Close(d.fd)
}

// forget drops the cached directory, before it may be removed.
func (d *disk) forget() {
	if d.parent >= 0 {
		_ = unix.Close(d.parent)
	}
	d.parent, d.parentPath = -1, ""
}

// at returns the descriptor of the directory a path is in, and its last
// component. The descriptor belongs to d and is valid until the next call.
func (d *disk) at(full string) (int, string, error) {
	dir, base := path.Split(full)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		return d.fd, base, nil
	}
	if d.parent >= 0 && d.parentPath == dir {
		return d.parent, base, nil
	}
	fd, err := d.openDir(dir, unix.O_PATH)
	if err != nil {
		return -1, "", err
	}
	d.forget()
	d.parent, d.parentPath = fd, dir
	return fd, base, nil
}

const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV

// openDir opens a directory; the caller closes it.
func (d *disk) openDir(full string, flags int) (int, error) {
	return d.open(full, flags|unix.O_DIRECTORY)
}

// open opens an existing file without following a link anywhere.
func (d *disk) open(full string, flags int) (int, error) {
	if full == "" {
		full = "."
	}
	flags |= unix.O_CLOEXEC | unix.O_NOFOLLOW
	if !d.components {
		how := unix.OpenHow{Flags: uint64(flags), Resolve: resolve}
		fd, err := retry(func() (int, error) { return unix.Openat2(d.fd, full, &how) })
		if err == nil {
			return fd, nil
		}
		if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return -1, &os.PathError{Op: "open", Path: full, Err: err}
		}
		d.components = true
	}
	return d.openComponents(full, flags)
}

// openComponents is open where openat2 does not exist or a filter forbids it.
func (d *disk) openComponents(full string, flags int) (int, error) {
	cur := d.fd
	for rest := full; ; {
		var name string
		var more bool
		name, rest, more = strings.Cut(rest, "/")
		how := unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC | unix.O_NOFOLLOW
		if !more {
			how = flags
		}
		fd, err := retry(func() (int, error) { return unix.Openat(cur, name, how, 0) })
		if cur != d.fd {
			_ = unix.Close(cur)
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: full, Err: err}
		}
		if !more {
			return fd, nil
		}
		cur = fd
	}
}

// procPath names a file by its parent's descriptor, for the system calls that
// have no *at form and do not follow the last component.
func procPath(fd int, base string) string {
	return "/proc/self/fd/" + strconv.Itoa(fd) + "/" + base
}

// retry repeats a call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := retry(func() (int, error) { return unix.Write(fd, data) })
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// stat is lstat of a path.
func (d *disk) stat(full string) (unix.Stat_t, error) {
	var st unix.Stat_t
	if full == "" {
		return st, unix.Fstat(d.fd, &st)
	}
	fd, base, err := d.at(full)
	if err != nil {
		return st, err
	}
	return st, unix.Fstatat(fd, base, &st, unix.AT_SYMLINK_NOFOLLOW)
}

// readlink returns the target of a symbolic link.
func (d *disk) readlink(full string) (string, error) {
	fd, base, err := d.at(full)
	if err != nil {
		return "", err
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, base, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
