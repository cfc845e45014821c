package layer

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// found is what a chain of layers has at a path.
type found struct {
	dir    int // index into the lowers, -1 when no layer has it
	st     unix.Stat_t
	xattrs map[string]string
}

func (f *found) isDir() bool { return f.dir >= 0 && f.st.Mode&unix.S_IFMT == unix.S_IFDIR }

// differs reports whether a directory without an entry of its own would look
// wrong as it was unpacked. Its time alone is not worth a variant.
func (f *found) differs() bool {
	return f.isDir() && (f.st.Mode&0o7777 != 0o755 || f.st.Uid != 0 || f.st.Gid != 0 || len(f.xattrs) > 0)
}

func (f *found) attributes(ino *inode) {
	ino.mode, ino.uid, ino.gid = f.st.Mode&0o7777, int(f.st.Uid), int(f.st.Gid)
	ino.sec, ino.nsec, ino.xattrs = f.st.Mtim.Sec, f.st.Mtim.Nsec, f.xattrs
}

// lookup finds a path in lowers, top first, as overlayfs would: the first layer
// that has it decides, unless a whiteout, a file in the way or an opaque
// directory ends the search. Symbolic links are not followed.
func lookup(lowers []string, full string) (*found, error) {
	for i, dir := range lowers {
		f, last, err := lookupIn(dir, full)
		if err != nil {
			return nil, err
		}
		if f != nil {
			f.dir = i
			return f, nil
		}
		if last {
			break
		}
	}
	return &found{dir: -1}, nil
}

// lookupIn looks in one layer; last says that those below do not matter.
func lookupIn(dir, full string) (f *found, last bool, err error) {
	d, err := openDisk(dir)
	if err != nil {
		return nil, false, err
	}
	defer d.close()
	at := ""
	for rest := full; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at = join(at, name)
		st, err := d.stat(at)
		if errors.Is(err, unix.ENOENT) {
			return nil, last, nil
		}
		if err != nil {
			return nil, false, err
		}
		kind := st.Mode & unix.S_IFMT
		if kind == unix.S_IFCHR && st.Rdev == 0 || rest != "" && kind != unix.S_IFDIR {
			return nil, true, nil
		}
		fd, base, err := d.at(at)
		if err != nil {
			return nil, false, err
		}
		if rest == "" {
			xattrs, err := readXattrs(procPath(fd, base))
			return &found{st: st, xattrs: xattrs}, true, err
		}
		opaque, _, err := readXattr(procPath(fd, base), opaqueXattr)
		if err != nil {
			return nil, false, err
		}
		last = last || opaque == "y"
	}
	return nil, last, nil
}

// copyFile copies anything but a directory, with all its attributes.
func copyFile(src *disk, from string, dst *disk, to string) error {
	st, err := src.stat(from)
	if err != nil {
		return err
	}
	fd, base, err := src.at(from)
	if err != nil {
		return err
	}
	f := found{st: st}
	if f.xattrs, err = readXattrs(procPath(fd, base)); err != nil {
		return wrap("attributes of", from, err)
	}
	ino := inode{major: unix.Major(st.Rdev), minor: unix.Minor(st.Rdev)}
	f.attributes(&ino)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		ino.typ = tar.TypeReg
		return copyRegular(src, from, dst, to, &ino)
	case unix.S_IFLNK:
		ino.typ = tar.TypeSymlink
		if ino.link, err = src.readlink(from); err != nil {
			return err
		}
	case unix.S_IFCHR:
		ino.typ = tar.TypeChar
		ino.whiteout = st.Rdev == 0
	case unix.S_IFBLK:
		ino.typ = tar.TypeBlock
	case unix.S_IFIFO:
		ino.typ = tar.TypeFifo
	default:
		return invalid("%q: a file of mode %o", from, st.Mode)
	}
	return dst.special(to, &ino)
}

func copyRegular(src *disk, from string, dst *disk, to string, ino *inode) (err error) {
	in, err := src.open(from, unix.O_RDONLY)
	if err != nil {
		return err
	}
	r := os.NewFile(uintptr(in), from)
	defer r.Close()
	out, err := dst.createFile(to)
	if err != nil {
		return err
	}
	w := os.NewFile(uintptr(out), to)
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, err := io.Copy(w, r); err != nil { // copy_file_range: shared blocks where the file system can
		return err
	}
	if err := dress(out, ino); err != nil {
		return wrap("attributes of", to, err)
	}
	fd, _, err := dst.at(to)
	if err != nil {
		return err
	}
	return setTime(fd, path.Base(to), ino)
}
