package layer

import (
	"archive/tar"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mkdir makes an empty directory that only we may enter; dress gives it its
// attributes when nothing will be added to it any more.
func (d *disk) mkdir(full string) error {
	fd, base, err := d.at(full)
	if err == nil {
		err = unix.Mkdirat(fd, base, 0o700)
	}
	return wrap("mkdir", full, err)
}

// createFile makes a regular file that does not exist yet.
func (d *disk) createFile(full string) (int, error) {
	fd, base, err := d.at(full)
	if err != nil {
		return -1, err
	}
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	out, err := retry(func() (int, error) { return unix.Openat(fd, base, flags, 0o600) })
	return out, wrap("create", full, err)
}

// link gives an existing file, which may be a symbolic link, a second name.
func (d *disk) link(from *disk, target, full string) error {
	old, oldBase, err := from.at(target)
	if err != nil {
		return err
	}
	if from == d { // at would close the first directory to open the second
		if old, err = unix.FcntlInt(uintptr(old), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return wrap("link", full, err)
		}
		defer unix.Close(old)
	}
	fd, base, err := d.at(full)
	if err == nil {
		err = unix.Linkat(old, oldBase, fd, base, 0)
	}
	return wrap("link", full, err)
}

// special makes a symbolic link, device or fifo with its attributes.
func (d *disk) special(full string, ino *inode) error {
	fd, base, err := d.at(full)
	if err != nil {
		return err
	}
	switch ino.typ {
	case tar.TypeSymlink:
		err = unix.Symlinkat(ino.link, fd, base)
	case tar.TypeChar:
		err = unix.Mknodat(fd, base, unix.S_IFCHR, int(unix.Mkdev(ino.major, ino.minor)))
	case tar.TypeBlock:
		err = unix.Mknodat(fd, base, unix.S_IFBLK, int(unix.Mkdev(ino.major, ino.minor)))
	case tar.TypeFifo:
		err = unix.Mknodat(fd, base, unix.S_IFIFO, 0)
	}
	if err != nil {
		return wrap("create", full, err)
	}
	if ino.whiteout {
		return nil
	}
	return wrap("create", full, dressSpecial(fd, base, ino))
}

func dressSpecial(fd int, base string, ino *inode) error {
	if err := unix.Fchownat(fd, base, ino.uid, ino.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	proc := procPath(fd, base)
	for key, value := range ino.xattrs {
		if err := xattrError(key, ino.typ, unix.Lsetxattr(proc, key, []byte(value), 0)); err != nil {
			return err
		}
	}
	if ino.typ != tar.TypeSymlink {
		if err := chmodNode(fd, base, ino.mode); err != nil {
			return err
		}
	}
	return setTime(fd, base, ino)
}

// chmodNode changes the mode of a device or fifo without opening or following
// it, also where fchmodat2 is missing.
func chmodNode(fd int, base string, mode uint32) error {
	node, err := unix.Openat(fd, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(node)
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(node), mode)
}

// dress gives an open file its owner, attributes and mode, in this order: a
// change of owner clears setuid and capabilities.
func dress(fd int, ino *inode) error {
	if err := unix.Fchown(fd, ino.uid, ino.gid); err != nil {
		return err
	}
	for key, value := range ino.xattrs {
		if err := xattrError(key, ino.typ, unix.Fsetxattr(fd, key, []byte(value), 0)); err != nil {
			return err
		}
	}
	return unix.Fchmod(fd, ino.mode)
}

// dressDir gives a directory its attributes and then its time.
func (d *disk) dressDir(full string, ino *inode, opaque bool) error {
	fd, err := d.openDir(full, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = dress(fd, ino)
	if err == nil && opaque {
		err = unix.Fsetxattr(fd, opaqueXattr, []byte("y"), 0)
	}
	if err == nil {
		err = setTime(fd, ".", ino)
	}
	return wrap("attributes of", full, err)
}

// setTime sets the access and the modification time to the latter, so that
// unpacking twice gives the same.
func setTime(fd int, base string, ino *inode) error {
	at := unix.Timespec{Sec: ino.sec, Nsec: ino.nsec}
	return unix.UtimesNanoAt(fd, base, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}

// remove deletes one name.
func (d *disk) remove(full string, dir bool) error {
	fd, base, err := d.at(full)
	if err != nil {
		return err
	}
	flags := 0
	if dir {
		flags = unix.AT_REMOVEDIR
	}
	return wrap("remove", full, unix.Unlinkat(fd, base, flags))
}

func wrap(op, full string, err error) error {
	if err == nil {
		return nil
	}
	var pe *os.PathError
	if errors.As(err, &pe) {
		return err
	}
	return &os.PathError{Op: op, Path: full, Err: err}
}
