package spec

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// root is the container's root file system by handle. No path looked up in it
// can leave it, whatever links lie there.
type root struct{ dir *os.File }

func openRoot(dir string) (*root, error) {
	f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the root file system: %w", err)
	}
	return &root{f}, nil
}

// Close drops the handle.
func (r *root) Close() { _ = r.dir.Close() }

// open returns a handle on what path is, without opening that: a device sees
// nothing and a FIFO does not block.
func (r *root) open(path string) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for {
		fd, err := unix.Openat2(int(r.dir.Fd()), path, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR): // a rename met the lookup
			continue
		}
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
}

// maxFile is the largest /etc/passwd or /etc/group that is read.
const maxFile = 10 << 20

// readable opens path for reading if it is a regular file of decent size. One
// that is missing is nil without an error.
func (r *root) readable(path string) (*os.File, error) {
	handle, err := r.open(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	st, err := handle.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s in the image is not a regular file", path)
	case st.Size() > maxFile:
		return nil, fmt.Errorf("%s in the image has %d bytes; limit %d", path, st.Size(), maxFile)
	}
	return reopen(handle, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
}

// reopen opens what handle is for use.
func reopen(handle *os.File, flags int) (*os.File, error) {
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(handle.Fd())), flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: handle.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), handle.Name()), nil
}
