package layer

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/internal/atomicfile"
	"gantry/internal/cleanup"
)

// variantBuilder finishes one layer for one chain. The caller holds the lock of
// the layer.
type variantBuilder struct {
	ctx    context.Context
	s      *Store
	base   meta
	chain  digest.Digest
	lowers []string // top first

	below     map[string]*found // what the chain has at the paths that matter
	from, to  *disk
	copied    map[string]string // target in a lower layer → its first name here
	directory []Entry           // to be dressed at the end
}

// build makes layers/<chain>. When the directories below look as those of the
// layer already do, which is usual, it is only a record that says so.
func (b *variantBuilder) build() error {
	index, err := b.s.Index(b.base.DiffID)
	if err != nil {
		return err
	}
	asIs, err := b.survey(index)
	if err != nil {
		return err
	}
	tmp := filepath.Join(b.s.root.Tmp(), tmpPrefix+b.chain.Encoded())
	held, err := makeTemp(tmp)
	if err != nil {
		return err
	}
	defer held.Close()
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { _ = os.RemoveAll(tmp) })
	m := b.base
	m.ChainID, m.AsIs, m.Synced, m.BootID = b.chain, asIs, asIs, b.s.root.BootID()
	if asIs {
		err = os.Remove(filepath.Join(tmp, diffName))
	} else {
		err = b.populate(index, filepath.Join(tmp, diffName))
	}
	if err != nil {
		return err
	}
	if err := atomicfile.WriteJSON(filepath.Join(tmp, metaName), m, 0o600, atomicfile.Crash); err != nil {
		return err
	}
	if err := os.Rename(tmp, b.s.dir(b.chain.Encoded())); err != nil {
		return err
	}
	undo.Keep()
	return nil
}

// survey looks up what the chain has under directories the layer implies and
// files it links to. It reports whether the layer is right as it is.
func (b *variantBuilder) survey(index *Index) (bool, error) {
	b.below = make(map[string]*found)
	asIs := true
	for e, err := range index.All() {
		if err != nil {
			return false, err
		}
		path := e.Path
		if e.Below {
			path = e.Link
		} else if !e.Implied || path == "." {
			continue
		}
		if b.below[path] == nil {
			if b.below[path], err = lookup(b.lowers, path); err != nil {
				return false, err
			}
		}
		f := b.below[path]
		if e.Below {
			if asIs = false; f.dir < 0 || f.st.Mode&unix.S_IFMT == unix.S_IFDIR {
				return false, invalid("%q is a hard link to %q, which no layer below has", e.Path, e.Link)
			}
			continue
		}
		asIs = asIs && !f.differs()
	}
	return asIs, b.ctx.Err()
}

// populate makes the files of the variant.
func (b *variantBuilder) populate(index *Index, diff string) (err error) {
	if b.from, err = openDisk(b.s.dir(b.base.DiffID.Encoded(), diffName)); err != nil {
		return err
	}
	defer b.from.close()
	if b.to, err = openDisk(diff); err != nil {
		return err
	}
	defer b.to.close()
	b.copied = make(map[string]string)
	for e, err := range index.All() {
		if err == nil {
			err = b.ctx.Err()
		}
		if err == nil {
			err = b.entry(e)
		}
		if err != nil {
			return err
		}
	}
	for i := len(b.directory) - 1; i >= 0; i-- {
		if err := b.dressDir(b.directory[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *variantBuilder) entry(e Entry) error {
	switch {
	case e.Path == ".":
		b.directory = append(b.directory, e)
		return nil
	case e.Type == tar.TypeDir:
		b.directory = append(b.directory, e)
		return b.to.mkdir(e.Path)
	case !e.Below:
		return b.share(e)
	}
	if first, ok := b.copied[e.Link]; ok {
		return b.to.link(b.to, first, e.Path)
	}
	b.copied[e.Link] = e.Path
	f := b.below[e.Link]
	src, err := openDisk(b.lowers[f.dir])
	if err != nil {
		return err
	}
	defer src.close()
	return copyFile(src, e.Link, b.to, e.Path)
}

// share gives a file of the layer a second name in the variant, or copies it
// when it has as many names as the file system allows.
func (b *variantBuilder) share(e Entry) error {
	err := b.to.link(b.from, e.Path, e.Path)
	if errors.Is(err, unix.EMLINK) {
		return copyFile(b.from, e.Path, b.to, e.Path)
	}
	return err
}

// dressDir gives a directory the attributes it has in the tar, or below.
func (b *variantBuilder) dressDir(e Entry) error {
	full := e.real()
	ino := inode{
		typ: tar.TypeDir, mode: e.Mode, uid: e.UID, gid: e.GID, xattrs: e.Xattrs,
		sec: e.ModTime.Unix(), nsec: int64(e.ModTime.Nanosecond()),
	}
	if f := b.below[e.Path]; e.Implied && f != nil && f.isDir() {
		f.attributes(&ino)
	}
	return b.to.dressDir(full, &ino, e.Opaque && full != "")
}
