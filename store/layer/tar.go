package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Tar writes the changes in the upper directory of an overlay mount as a
// layer's tar: whiteouts as .wh. files, opaque directories with .wh..wh..opq,
// hard links as such. The same directory always gives the same bytes: entries
// in the order of their names, times in whole seconds, no user names.
//
// Sockets are left out. Files that overlayfs keeps only in part in the upper
// directory (redirect_dir, metacopy) are refused, so mounts must not use these
// options. A file that changes while it is read is an error.
func Tar(ctx context.Context, upperDir string, w io.Writer) error {
	return TarWithout(ctx, upperDir, w, nil)
}

// TarWithout is Tar that leaves out the paths, and all below them, for which
// skip is true. skip may be nil.
func TarWithout(ctx context.Context, upperDir string, w io.Writer, skip func(path string) bool) error {
	d, err := openDisk(upperDir)
	if err != nil {
		return err
	}
	defer d.close()
	p := packer{
		ctx: ctx, disk: d, tar: tar.NewWriter(w), skip: skip,
		seen: make(map[uint64]string), buf: make([]byte, blockSize),
	}
	if err := p.dir(""); err != nil {
		return fmt.Errorf("packing %s: %w", upperDir, err)
	}
	return p.tar.Close()
}

type packer struct {
	ctx  context.Context
	disk *disk
	tar  *tar.Writer
	skip func(path string) bool
	seen map[uint64]string // inode with several names → its first
	buf  []byte
}

// dir writes what is in a directory.
func (p *packer) dir(full string) error {
	fd, err := p.disk.openDir(full, unix.O_RDONLY)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), full)
	names, err := f.Readdirnames(-1)
	_ = f.Close()
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if err := p.entry(join(full, name)); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) entry(full string) error {
	if p.skip != nil && p.skip(full) {
		return nil
	}
	st, err := p.disk.stat(full)
	if err != nil {
		return wrap("stat", full, err)
	}
	kind := st.Mode & unix.S_IFMT
	if kind == unix.S_IFSOCK {
		return nil
	}
	if kind == unix.S_IFCHR && st.Rdev == 0 {
		return p.mark(full, whPrefix)
	}
	hdr, opaque, err := p.header(full, st)
	if err != nil {
		return err
	}
	if kind != unix.S_IFDIR && st.Nlink > 1 {
		if first, ok := p.seen[st.Ino]; ok {
			hdr.Typeflag, hdr.Linkname, hdr.Size, hdr.PAXRecords = tar.TypeLink, first, 0, nil
			return p.tar.WriteHeader(hdr)
		}
		p.seen[st.Ino] = full
	}
	switch kind {
	case unix.S_IFREG:
		return p.file(full, hdr)
	case unix.S_IFDIR:
		return p.subdir(full, hdr, opaque)
	}
	return p.tar.WriteHeader(hdr)
}

func (p *packer) subdir(full string, hdr *tar.Header, opaque bool) error {
	if err := p.tar.WriteHeader(hdr); err != nil {
		return err
	}
	if opaque {
		if err := p.mark(full+"/"+whOpaque, ""); err != nil {
			return err
		}
	}
	return p.dir(full)
}

// mark writes an empty file whose name is the message.
func (p *packer) mark(full, prefix string) error {
	n := node{path: full}
	name := full[:len(full)-len(n.name())] + prefix + n.name()
	return p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, ModTime: time.Unix(0, 0)})
}

// header describes a file, and says whether it is an opaque directory.
func (p *packer) header(full string, st unix.Stat_t) (*tar.Header, bool, error) {
	hdr := &tar.Header{
		Name: full, Mode: int64(st.Mode & 0o7777), Uid: int(st.Uid), Gid: int(st.Gid),
		ModTime: time.Unix(st.Mtim.Sec, 0),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		hdr.Typeflag, hdr.Size = tar.TypeReg, st.Size
	case unix.S_IFDIR:
		hdr.Typeflag, hdr.Name = tar.TypeDir, full+"/"
	case unix.S_IFLNK:
		link, err := p.disk.readlink(full)
		if err != nil {
			return nil, false, wrap("readlink", full, err)
		}
		hdr.Typeflag, hdr.Linkname = tar.TypeSymlink, link
	case unix.S_IFCHR:
		hdr.Typeflag, hdr.Devmajor, hdr.Devminor = tar.TypeChar, int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	case unix.S_IFBLK:
		hdr.Typeflag, hdr.Devmajor, hdr.Devminor = tar.TypeBlock, int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	case unix.S_IFIFO:
		hdr.Typeflag = tar.TypeFifo
	}
	opaque, err := p.xattrs(full, hdr)
	return hdr, opaque, err
}

// partial are the marks of files whose content is not, or not all, in the upper
// directory.
var partial = []string{
	"trusted.overlay.redirect", "user.overlay.redirect", "trusted.overlay.metacopy", "user.overlay.metacopy",
}

func (p *packer) xattrs(full string, hdr *tar.Header) (opaque bool, err error) {
	fd, base, err := p.disk.at(full)
	if err != nil {
		return false, err
	}
	proc := procPath(fd, base)
	keys, err := listXattrs(proc)
	if err != nil {
		return false, wrap("attributes of", full, err)
	}
	for _, key := range keys {
		if slices.Contains(partial, key) {
			return false, invalid("%q is kept in part by overlayfs (%s)", full, key)
		}
		value, ok, err := readXattr(proc, key)
		if err != nil {
			return false, wrap("attributes of", full, err)
		}
		switch {
		case !ok || key == "security.selinux": // a label of this machine
		case key == opaqueXattr || key == "user.overlay.opaque":
			opaque = hdr.Typeflag == tar.TypeDir && value == "y"
		case !overlayXattr(key):
			if hdr.PAXRecords == nil {
				hdr.PAXRecords = make(map[string]string)
			}
			hdr.PAXRecords[paxXattr+key] = value
		}
	}
	return opaque, nil
}

func (p *packer) file(full string, hdr *tar.Header) error {
	fd, err := p.disk.open(full, unix.O_RDONLY)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "/proc/self/fd/"+strconv.Itoa(fd))
	defer f.Close()
	if err := p.tar.WriteHeader(hdr); err != nil {
		return err
	}
	n, err := io.CopyBuffer(writerOnly{p.tar}, watched{p.ctx, io.LimitReader(f, hdr.Size)}, p.buf)
	if err == nil && n < hdr.Size {
		err = errors.New("the file shrank while it was read")
	}
	return wrap("read", full, err)
}

// writerOnly hides ReadFrom, so that io.CopyBuffer uses the large buffer.
type writerOnly struct{ io.Writer }
