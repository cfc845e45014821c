package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// copyUp gives a new, empty volume what the image has at dest: content, owner,
// mode, times and extended attributes. The copy is made beside the volume's
// directory and takes its place in one rename, so that a crash leaves it empty
// and not half full. A volume in use is not empty and is left alone.
func copyUp(r *root, dest, data string) error {
	parent, err := os.Open(filepath.Dir(data))
	if err != nil {
		return err
	}
	defer parent.Close() // and with it the lock
	if err := unix.Flock(int(parent.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	if names, err := os.ReadDir(data); err != nil || len(names) > 0 {
		return err
	}
	src, err := r.directory(dest)
	if err != nil || src == nil {
		return err
	}
	defer src.Close()
	tmp := filepath.Join(parent.Name(), ".copy-up")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	dst, err := os.Open(tmp)
	if err != nil {
		return err
	}
	defer dst.Close()
	c := copier{links: map[[2]uint64]string{}, base: dst}
	if err := c.dir(src, dst, "."); err != nil {
		return err
	}
	// Not os.Rename, which refuses to replace even an empty directory.
	if err := unix.Rename(tmp, data); err != nil {
		return &os.LinkError{Op: "rename", Old: tmp, New: data, Err: err}
	}
	return nil
}

// directory opens dest in the image if that is a directory; otherwise nil.
func (r *root) directory(dest string) (*os.File, error) {
	handle, err := r.open(dest)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	if st, err := handle.Stat(); err != nil || !st.IsDir() {
		return nil, err
	}
	return reopen(handle, unix.O_RDONLY|unix.O_DIRECTORY)
}

// copier copies a tree by directory handles, following no link in it.
type copier struct {
	links map[[2]uint64]string // device and inode → where below base it went
	base  *os.File
}

// dir copies what is in src to dst and then src's own attributes. at is dst's
// path below base.
func (c *copier) dir(src, dst *os.File, at string) error {
	names, err := src.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.entry(src, dst, name, filepath.Join(at, name)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(at, name), err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(src.Fd()), &st); err != nil {
		return err
	}
	return attributes(src, dst, &st)
}

func (c *copier) entry(src, dst *os.File, name, at string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(src.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	if kind != unix.S_IFDIR && st.Nlink > 1 {
		key := [2]uint64{st.Dev, st.Ino}
		if first, ok := c.links[key]; ok {
			return unix.Linkat(int(c.base.Fd()), first, int(dst.Fd()), name, 0)
		}
		c.links[key] = at
	}
	switch kind {
	case unix.S_IFDIR:
		return c.subdir(src, dst, name, at)
	case unix.S_IFREG:
		return regular(src, dst, name, &st)
	case unix.S_IFLNK:
		return symlink(src, dst, name, &st)
	case unix.S_IFSOCK:
		return nil // nobody listens
	}
	if err := unix.Mknodat(int(dst.Fd()), name, kind|0o600, int(st.Rdev)); err != nil {
		return err
	}
	return named(dst, name, &st)
}

func (c *copier) subdir(src, dst *os.File, name, at string) error {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW
	from, err := openat(src, name, flags, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := unix.Mkdirat(int(dst.Fd()), name, 0o700); err != nil {
		return err
	}
	to, err := openat(dst, name, flags, 0)
	if err != nil {
		return err
	}
	defer to.Close()
	return c.dir(from, to, at)
}

func regular(src, dst *os.File, name string, st *unix.Stat_t) (err error) {
	from, err := openat(src, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := openat(dst, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	return attributes(from, to, st)
}

func symlink(src, dst *os.File, name string, st *unix.Stat_t) error {
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(src.Fd()), name, target)
	if err != nil {
		return err
	}
	if err := unix.Symlinkat(string(target[:n]), int(dst.Fd()), name); err != nil {
		return err
	}
	if err := unix.Fchownat(int(dst.Fd()), name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	return unix.UtimesNanoAt(int(dst.Fd()), name, times(st), unix.AT_SYMLINK_NOFOLLOW)
}

func openat(dir *os.File, name string, flags int, mode uint32) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, flags|unix.O_CLOEXEC, mode)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
