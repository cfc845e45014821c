package layer

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"gantry/store"
)

// verify compares every file of a layer with the index: all that a power cut
// can lose, which is names, attributes and content.
func (h *handle) verify(ctx context.Context) error {
	x, err := h.index()
	if err != nil {
		return err
	}
	d, err := openDisk(h.path(diffName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("its files are gone: %w", store.ErrDamaged)
	}
	if err != nil {
		return err
	}
	defer d.close()
	v := verifier{ctx: ctx, disk: d, hash: sha256.New(), buf: make([]byte, 256<<10)}
	for e, err := range x.All() {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = v.entry(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type verifier struct {
	ctx  context.Context
	disk *disk
	hash hash.Hash
	buf  []byte
}

// entry returns an error that is store.ErrDamaged when the disk does not have
// what e says, and another when that could not be found out.
func (v *verifier) entry(e Entry) error {
	if e.Below {
		return nil
	}
	full := e.real()
	st, err := v.disk.stat(full)
	if errors.Is(err, unix.EIO) || err == nil && !sameKind(e, st) {
		err = unix.ENOENT
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return fmt.Errorf("%q is missing or different: %w", e.Path, store.ErrDamaged)
	}
	if err != nil {
		return err
	}
	switch e.Type {
	case tar.TypeReg:
		err = v.content(full, e)
	case tar.TypeLink:
		err = v.sameFile(full, e)
	case tar.TypeSymlink:
		err = v.target(full, e)
	case tar.TypeDir:
		err = v.opaque(full, e)
	}
	if err != nil || len(e.Xattrs) == 0 || e.Type != tar.TypeReg && e.Type != tar.TypeDir {
		return err
	}
	return v.xattrs(full, e)
}

func (e Entry) real() string {
	if e.Path == "." {
		return ""
	}
	return e.Path
}

// sameKind compares what stat tells.
func sameKind(e Entry, st unix.Stat_t) bool {
	if e.Type == tar.TypeLink {
		return true // see sameFile
	}
	if kinds[e.Type] != st.Mode&unix.S_IFMT {
		return false
	}
	switch e.Type {
	case tar.TypeChar, tar.TypeBlock:
		if st.Rdev != unix.Mkdev(e.Major, e.Minor) {
			return false
		}
	case tar.TypeReg:
		if st.Size != e.Size {
			return false
		}
	case tar.TypeSymlink:
		return int(st.Uid) == e.UID && int(st.Gid) == e.GID
	}
	if e.Whiteout {
		return true
	}
	return st.Mode&0o7777 == e.Mode && int(st.Uid) == e.UID && int(st.Gid) == e.GID
}

var kinds = map[byte]uint32{
	tar.TypeReg: unix.S_IFREG, tar.TypeDir: unix.S_IFDIR, tar.TypeSymlink: unix.S_IFLNK,
	tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO,
}

func (v *verifier) content(full string, e Entry) error {
	fd, err := v.disk.open(full, unix.O_RDONLY)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), full)
	defer f.Close()
	v.hash.Reset()
	if _, err = io.CopyBuffer(v.hash, watched{v.ctx, f}, v.buf); err != nil && !errors.Is(err, unix.EIO) {
		return err
	}
	if err != nil || digestOf(v.hash.Sum(nil)) != e.Digest {
		return fmt.Errorf("%q has other content: %w", e.Path, store.ErrDamaged)
	}
	return nil
}

func (v *verifier) target(full string, e Entry) error {
	if link, err := v.disk.readlink(full); err != nil || link != e.Link {
		return fmt.Errorf("%q is another link: %w", e.Path, store.ErrDamaged)
	}
	return nil
}

func (v *verifier) sameFile(full string, e Entry) error {
	a, err := v.disk.stat(full)
	if err != nil {
		return err
	}
	if b, err := v.disk.stat(e.Link); err != nil || a.Ino != b.Ino {
		return fmt.Errorf("%q is no longer %q: %w", e.Path, e.Link, store.ErrDamaged)
	}
	return nil
}

// xattrs looks for attributes that are gone: without its capability a program
// no longer works. A file system that has none at all never had them.
func (v *verifier) xattrs(full string, e Entry) error {
	file := full
	if file == "" {
		file = "."
	}
	fd, base, err := v.disk.at(file)
	if err != nil {
		return err
	}
	buf := make([]byte, maxXattrSize)
	for key, want := range e.Xattrs {
		n, err := unix.Lgetxattr(procPath(fd, base), key, buf)
		if errors.Is(err, unix.ENOTSUP) || key == "security.selinux" {
			continue
		}
		if err != nil || string(buf[:n]) != want {
			return fmt.Errorf("%q lost its attribute %q: %w", e.Path, key, store.ErrDamaged)
		}
	}
	return nil
}

func (v *verifier) opaque(full string, e Entry) error {
	if !e.Opaque || full == "" {
		return nil
	}
	fd, base, err := v.disk.at(full)
	if err != nil {
		return err
	}
	if value, _, err := readXattr(procPath(fd, base), opaqueXattr); err != nil || value != "y" {
		return fmt.Errorf("%q is no longer opaque: %w", e.Path, store.ErrDamaged)
	}
	return nil
}

// watched is a reader that ends with its context.
type watched struct {
	ctx context.Context
	r   io.Reader
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
