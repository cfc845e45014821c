package layer

import (
	"archive/tar"
	"crypto/sha256"
	"path"
	"strings"
)

// tree is what the tar has made so far, in memory. Names are resolved in it
// and nowhere else: a layer starts empty, so every symbolic link it can go
// through is known here, and the kernel is only ever given paths without one.
// It also knows which names exist, so the usual entry needs no lookup on disk.
type tree struct {
	root  *node
	nodes map[string]*node // by real path, no leading slash; the root is ""
	steps int              // taken through symbolic links, against symlinkSteps
	limit int              // of nodes ever made
	made  int
}

// node is a name; inode what it names. Hard links share an inode, and primary
// is the name the index describes it under.
type node struct {
	path                 string
	ino                  *inode
	parent, child        *node
	prev, next           *node // siblings
	implied, opaque, cut bool  // cut: no longer in the tree
}

type inode struct {
	typ          byte // tar type flag; TypeLink when the target is in a lower layer
	whiteout     bool
	mode         uint32 // permission bits with setuid, setgid, sticky
	uid, gid     int
	major, minor uint32
	size, offset int64
	sec, nsec    int64 // of the modification time
	link         string
	xattrs       map[string]string
	sum          [sha256.Size]byte
	primary      *node
}

func newTree(limit int) *tree {
	t := &tree{nodes: make(map[string]*node), limit: limit}
	t.root = &node{ino: &inode{typ: tar.TypeDir, mode: 0o755}, implied: true}
	t.root.ino.primary = t.root
	t.nodes[""] = t.root
	return t
}

func (n *node) dir() bool { return n.ino.typ == tar.TypeDir }

// name is the last component of the path.
func (n *node) name() string { return path.Base(n.path) }

// add puts a name into the directory parent. The name is not there yet.
func (t *tree) add(parent *node, full string, ino *inode) (*node, error) {
	if t.made++; t.made > t.limit {
		return nil, invalid("more than %d entries", t.limit)
	}
	n := &node{path: full, ino: ino, parent: parent, next: parent.child}
	if n.next != nil {
		n.next.prev = n
	}
	parent.child = n
	t.nodes[full] = n
	if ino.primary == nil {
		ino.primary = n
	}
	return n, nil
}

// cut takes a name without children out of the tree.
func (t *tree) cut(n *node) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		n.parent.child = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	n.cut = true
	delete(t.nodes, n.path)
}

// join is path.Join for a directory's real path and one clean name.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// clean turns any name of a tar into a path from the root without . and ..
// that cannot point above it; "" is the root itself.
func clean(name string) string {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	if plain(name) {
		return name
	}
	return path.Clean("/" + name)[1:]
}

// plain reports whether a name is clean already, as nearly all are.
func plain(name string) bool {
	return name != "" && name[0] != '/' && path.Clean(name) == name && name[0] != '.'
}

// missing makes the directory name in parent; see walk.
type missing func(parent *node, full string, there *node) (*node, error)

// walk finds the directory at a clean path, through the symbolic links of the
// layer. Where there is no directory it asks create for one: there is the node
// in the way, a whiteout, or nil. With a nil create the answer is a nil node.
func (t *tree) walk(dir string, create missing) (*node, error) {
	if n := t.nodes[dir]; n != nil && n.dir() {
		return n, nil
	}
	cur, links := t.root, 0
	for rest := dir; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			if cur.parent != nil {
				cur = cur.parent
			}
			continue
		}
		full := join(cur.path, name)
		n := t.nodes[full]
		switch {
		case n != nil && n.dir():
			cur = n
		case n != nil && n.ino.typ == tar.TypeSymlink:
			links++
			target := n.ino.link
			t.steps += 1 + strings.Count(target, "/")
			if links > maxSymlinks || t.steps > symlinkSteps {
				return nil, invalid("%q: too many symbolic links", dir)
			}
			if strings.HasPrefix(target, "/") {
				cur = t.root
			}
			rest = target + "/" + rest
		case n != nil && !n.ino.whiteout:
			return nil, invalid("%q is not a directory", full)
		case create == nil:
			return nil, nil
		default:
			made, err := create(cur, full, n)
			if err != nil {
				return nil, err
			}
			cur = made
		}
	}
	return cur, nil
}
