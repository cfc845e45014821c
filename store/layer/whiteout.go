package layer

import (
	"archive/tar"
	"strings"
)

// Names that mean something in a layer's tar. A file .wh.x says that x of the
// layers below is gone; .wh..wh..opq that its directory starts empty; other
// .wh..wh. names are leftovers of AUFS.
const (
	whPrefix = ".wh."
	whMeta   = ".wh..wh."
	whOpaque = ".wh..wh..opq"
)

// aufs reports whether an entry is, or is in, an AUFS leftover.
func aufs(dir, base string) bool {
	if strings.HasPrefix(base, whMeta) && base != whOpaque {
		return true
	}
	return strings.HasPrefix(dir, whMeta) || strings.Contains(dir, "/"+whMeta)
}

// whiteout hides a name of the layers below, and only of those: what this layer
// has under the name stays, whichever came first in the tar.
func (x *extractor) whiteout(parent *node, base, hidden string) error {
	if base == whOpaque {
		parent.opaque = true
		return nil
	}
	if hidden == "" || hidden == "." || hidden == ".." {
		return invalid("%q: a whiteout of nothing that can be removed", join(parent.path, base))
	}
	full := join(parent.path, hidden)
	if there := x.nodes[full]; there != nil {
		there.opaque = there.opaque || there.dir()
		return nil
	}
	ino := &inode{typ: tar.TypeChar, whiteout: true}
	if _, err := x.add(parent, full, ino); err != nil {
		return err
	}
	return x.names.special(full, ino)
}
