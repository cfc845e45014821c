package layer

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"io"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// extractor turns the entries of one tar into files. tree says what is there,
// names makes it so, stream supplies content. Without a disk there is only the
// tree.
type extractor struct {
	*tree
	names  names
	disk   *disk // nil: nothing is written, see Scan
	in     *stream
	tar    *tar.Reader
	limits Limits
	unpack int64 // bytes of content so far
	fresh  int64 // bytes of content since the free space was looked at
}

// names makes and removes all that has no content.
type names interface {
	mkdir(full string) error
	special(full string, ino *inode) error
	remove(full string, dir bool) error
	link(from *disk, target, full string) error
	forget()
}

var emptySum = sha256.Sum256(nil)

// run unpacks all entries and reads the tar to its very end.
func (x *extractor) run() error {
	if x.disk != nil {
		if err := x.limits.space(x.disk.fd); err != nil {
			return err
		}
	}
	for {
		if err := x.in.ctx.Err(); err != nil {
			return err
		}
		hdr, err := x.tar.Next()
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return x.broken(err)
		}
		if err := x.entry(hdr); err != nil {
			return err
		}
	}
	return x.in.drain()
}

// broken tells a tar that is wrong from one that could not be read.
func (x *extractor) broken(err error) error {
	if x.in.err != nil && x.in.err != io.EOF {
		return x.in.err
	}
	return invalid("tar: %w", err)
}

// entry makes what one header says.
func (x *extractor) entry(hdr *tar.Header) error {
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if err := checkName(hdr.Name); err != nil {
		return err
	}
	full := clean(hdr.Name)
	dir, base := path.Split(full)
	if aufs(dir, base) {
		return nil
	}
	if full == "" {
		return x.rootEntry(hdr)
	}
	parent, err := x.walk(strings.TrimSuffix(dir, "/"), x.imply)
	if err != nil {
		return err
	}
	if hidden, ok := strings.CutPrefix(base, whPrefix); ok {
		return x.whiteout(parent, base, hidden)
	}
	if full = join(parent.path, base); len(full) > maxPath {
		return invalid("%.40q…: a path of %d bytes (limit %d)", full, len(full), maxPath)
	}
	if hdr.Typeflag == tar.TypeLink {
		return x.hardLink(hdr, parent, full)
	}
	ino, err := inodeOf(hdr)
	if err != nil {
		return err
	}
	if ino.typ == tar.TypeDir {
		return x.directory(parent, full, ino)
	}
	return x.file(hdr, parent, full, ino)
}

// rootEntry is an entry for the root directory itself. Only a directory can be
// there: anything else is left out, as containerd does.
func (x *extractor) rootEntry(hdr *tar.Header) error {
	if hdr.Typeflag != tar.TypeDir {
		return nil
	}
	ino, err := inodeOf(hdr)
	if err != nil {
		return err
	}
	ino.primary = x.root
	x.root.ino, x.root.implied = ino, false
	return nil
}

// inodeOf reads the attributes out of a header.
func inodeOf(hdr *tar.Header) (*inode, error) {
	ino := &inode{
		typ: hdr.Typeflag, mode: uint32(hdr.Mode) & 0o7777, uid: hdr.Uid, gid: hdr.Gid,
		sec: hdr.ModTime.Unix(), nsec: int64(hdr.ModTime.Nanosecond()),
	}
	if hdr.ModTime.IsZero() {
		ino.sec, ino.nsec = 0, 0
	}
	switch hdr.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		ino.typ, ino.size = tar.TypeReg, hdr.Size
	case tar.TypeSymlink:
		if ino.link = hdr.Linkname; ino.link == "" || len(ino.link) > maxPath {
			return nil, invalid("%q: a symbolic link to a name of %d bytes", hdr.Name, len(ino.link))
		}
		ino.mode = 0o777
	case tar.TypeChar, tar.TypeBlock:
		ino.major, ino.minor = uint32(hdr.Devmajor), uint32(hdr.Devminor)
		// However it is written, overlayfs takes this device for a whiteout.
		ino.whiteout = ino.typ == tar.TypeChar && ino.major == 0 && ino.minor == 0
	case tar.TypeDir, tar.TypeFifo:
	default:
		return nil, invalid("%q: an entry of unknown type %q", hdr.Name, hdr.Typeflag)
	}
	if hdr.Uid < 0 || hdr.Gid < 0 || int64(hdr.Uid) > maxID || int64(hdr.Gid) > maxID {
		return nil, invalid("%q: owner %d:%d", hdr.Name, hdr.Uid, hdr.Gid)
	}
	var err error
	ino.xattrs, err = xattrsOf(hdr)
	return ino, err
}

// maxID is the largest id; the one above it means "leave as it is".
const maxID = 1<<32 - 2

// imply makes a directory that the tar has not mentioned. Its real attributes
// are those of the layers below, see Lowers. In place of a whiteout it is
// mentioned enough: what was below is gone.
func (x *extractor) imply(parent *node, full string, there *node) (*node, error) {
	if len(full) > maxPath {
		return nil, invalid("%.40q…: a path of %d bytes (limit %d)", full, len(full), maxPath)
	}
	n, err := x.makeDir(parent, full, there, &inode{typ: tar.TypeDir, mode: 0o755})
	if err == nil {
		n.implied = there == nil
	}
	return n, err
}

// directory makes a directory or gives one that is there new attributes.
func (x *extractor) directory(parent *node, full string, ino *inode) error {
	there := x.nodes[full]
	if there != nil && there.dir() {
		ino.primary = there
		there.ino, there.implied = ino, false
		return nil
	}
	_, err := x.makeDir(parent, full, there, ino)
	return err
}

func (x *extractor) makeDir(parent *node, full string, there *node, ino *inode) (*node, error) {
	opaque := there != nil && there.ino.whiteout
	if err := x.clear(there); err != nil {
		return nil, err
	}
	n, err := x.add(parent, full, ino)
	if err != nil {
		return nil, err
	}
	n.opaque = opaque
	return n, x.names.mkdir(full)
}

// file makes anything that is neither a directory nor a hard link, in place of
// whatever has its name.
func (x *extractor) file(hdr *tar.Header, parent *node, full string, ino *inode) error {
	if err := x.clear(x.nodes[full]); err != nil {
		return err
	}
	if _, err := x.add(parent, full, ino); err != nil {
		return err
	}
	if ino.typ != tar.TypeReg {
		return x.names.special(full, ino)
	}
	if x.unpack += ino.size; x.unpack > x.limits.Bytes || x.unpack < 0 {
		return invalid("%q: the layer unpacks to more than %d bytes", full, x.limits.Bytes)
	}
	if x.disk == nil {
		return x.content(nowhere, hdr, ino)
	}
	fd, err := x.disk.createFile(full)
	if err != nil {
		return err
	}
	if err = x.content(fd, hdr, ino); err == nil {
		err = dress(fd, ino)
	}
	if err == nil {
		dir, base, _ := x.disk.at(full) // cached by createFile
		err = setTime(dir, base, ino)
	}
	return wrap("write", full, errors.Join(err, unix.Close(fd)))
}

// clear removes a name and all below it, so that something else can take it.
func (x *extractor) clear(n *node) error {
	if n == nil {
		return nil
	}
	for n.child != nil {
		if err := x.clear(n.child); err != nil {
			return err
		}
	}
	x.tree.cut(n)
	if n.ino.typ == tar.TypeLink {
		return nil // its target is below: nothing is on disk
	}
	if n.dir() {
		x.names.forget()
	}
	return x.names.remove(n.path, n.dir())
}

// hardLink gives a second name to a file of this layer, or notes that the file
// is in a layer below. The attributes in its header are those of the file.
func (x *extractor) hardLink(hdr *tar.Header, parent *node, full string) error {
	if err := checkName(hdr.Linkname); err != nil {
		return err
	}
	target := clean(hdr.Linkname)
	n, err := x.find(target)
	if err != nil {
		return err
	}
	there := x.nodes[full]
	if n == nil {
		if err := x.clear(there); err != nil {
			return err
		}
		_, err = x.add(parent, full, &inode{typ: tar.TypeLink, link: target})
		return err
	}
	if n.dir() || n.ino.whiteout {
		return invalid("%q: a hard link to %q, which is not a file", full, target)
	}
	if n == there {
		return nil
	}
	if err := x.clear(there); err != nil {
		return err
	}
	if n.cut {
		return invalid("%q: a hard link to %q below itself", full, target)
	}
	if _, err = x.add(parent, full, n.ino); err != nil || n.ino.typ == tar.TypeLink {
		return err
	}
	return x.names.link(x.disk, n.path, full)
}

// find returns the node at a clean path, following links in all but the last
// component, or nil.
func (x *extractor) find(full string) (*node, error) {
	if n := x.nodes[full]; n != nil {
		return n, nil
	}
	dir, base := path.Split(full)
	parent, err := x.walk(strings.TrimSuffix(dir, "/"), nil)
	if err != nil || parent == nil {
		return nil, err
	}
	return x.nodes[join(parent.path, base)], nil
}
