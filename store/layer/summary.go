package layer

import (
	"archive/tar"
	"slices"
)

// sorted returns what is in the tree in the order of the index: a directory,
// then all below it, names in byte order. The root comes first.
func (t *tree) sorted() []*node {
	nodes := make([]*node, 0, len(t.nodes))
	for _, n := range t.nodes {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *node) int { return Compare(a.path, b.path) })
	for _, n := range nodes {
		// A name replaced later in the tar no longer stands for its inode.
		if n.ino.primary.cut {
			n.ino.primary = n
		}
	}
	return nodes
}

// Compare orders paths as an index does: by component, so that what is in a
// directory follows it directly.
func Compare(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if a[i] == '/' {
			return -1
		}
		if b[i] == '/' {
			return 1
		}
		return int(a[i]) - int(b[i])
	}
	return len(a) - len(b)
}

// dressDirs gives all directories their attributes, when nothing will be made
// in them any more: making a name changes its directory's time.
func (x *extractor) dressDirs(nodes []*node) error {
	for _, n := range slices.Backward(nodes) {
		if !n.dir() {
			continue
		}
		if err := x.disk.dressDir(n.path, n.ino, n.opaque && n != x.root); err != nil {
			return err
		}
	}
	return nil
}

// summary counts, and finds out whether the layer leans on those below.
func (x *extractor) summary(nodes []*node) meta {
	m := meta{SelfContained: true, RootOpaque: x.root.opaque}
	for _, n := range nodes {
		switch {
		case n.ino.typ == tar.TypeReg && n.ino.primary == n:
			m.Files++
			m.Size += n.ino.size
		case n.ino.typ == tar.TypeLink:
			m.SelfContained, m.LinksBelow = false, true
		case n.implied && n != x.root && !n.coveredBelow():
			m.SelfContained = false
		}
	}
	return m
}

// coveredBelow reports whether nothing of the layers below shows at n, because
// a directory above it starts empty.
func (n *node) coveredBelow() bool {
	for p := n.parent; p != nil; p = p.parent {
		if p.opaque {
			return true
		}
	}
	return false
}
