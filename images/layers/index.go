package layers

import (
	"strings"

	"gantry/store/layer"
)

// Index is all of an image's layers in one table. It never changes and is safe
// for concurrent use. Close releases what reading content needs.
type Index struct {
	name   string
	layers []Layer
	stack  []int // the layers with files, as places in layers

	nodes    []node
	versions []version
	more     []extra
	text     []byte
	raw      map[int32]string // names that are not shown as they are
	groups   map[int32]int16  // content with several names → its death
	homes    map[int32]int32  // the same → the node it belongs to
	stats    Stats
	source   source
}

// Name is what the image was asked for by, printable.
func (x *Index) Name() string { return x.name }

// Layers lists the instructions, lowest first, empty ones included.
func (x *Index) Layers() []Layer { return x.layers }

// Len is the number of paths.
func (x *Index) Len() int { return len(x.nodes) - 1 }

// Stats is what the image costs.
func (x *Index) Stats() Stats { return x.stats }

// Close releases what reading content needs.
func (x *Index) Close() error {
	if x.source == nil {
		return nil
	}
	return x.source.close()
}

// name of a node as it is shown.
func (x *Index) shown(n int32) string {
	nd := &x.nodes[n]
	return string(x.text[nd.name : nd.name+uint32(nd.size)])
}

// rawName of a node as the layers have it.
func (x *Index) rawName(n int32) string {
	if raw, ok := x.raw[n]; ok {
		return raw
	}
	return x.shown(n)
}

// path of a node as it is shown; "" for the root.
func (x *Index) path(n int32) string { return x.joined(n, x.shown) }

// rawPath of a node as the layers have it; "" for the root.
func (x *Index) rawPath(n int32) string { return x.joined(n, x.rawName) }

func (x *Index) joined(n int32, name func(int32) string) string {
	if n <= 0 {
		return ""
	}
	if x.nodes[n].up == 0 {
		return name(n)
	}
	return x.joined(x.nodes[n].up, name) + "/" + name(n)
}

// lookup finds a path as it is shown; "" and "." are the root.
func (x *Index) lookup(path string) (int32, bool) {
	path = strings.Trim(path, "/")
	if path == "" || path == "." {
		return 0, len(x.nodes) > 0
	}
	if len(x.raw) == 0 {
		return x.find(path)
	}
	at := int32(0)
	for rest, more := path, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		c := at + 1
		for ; c < x.nodes[at].end; c = x.nodes[c].end {
			if x.shown(c) == name {
				break
			}
		}
		if c >= x.nodes[at].end {
			return 0, false
		}
		at = c
	}
	return at, true
}

// find finds a path as the layers have it.
func (x *Index) find(path string) (int32, bool) {
	if path == "." || path == "" {
		return 0, len(x.nodes) > 0
	}
	at := int32(0)
	for rest, more := path, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		c, ok := x.child(at, name)
		if !ok {
			return 0, false
		}
		at = c
	}
	return at, true
}

// child finds a name in a directory by bisection: what lies between two of its
// entries belongs to the first.
func (x *Index) child(dir int32, name string) (int32, bool) {
	depth := x.nodes[dir].depth + 1
	lo, hi := dir+1, x.nodes[dir].end
	for lo < hi {
		mid := lo + (hi-lo)/2
		c := mid
		for x.nodes[c].depth > depth {
			c = x.nodes[c].up
		}
		switch cmp := layer.Compare(x.rawName(c), name); {
		case cmp == 0:
			return c, true
		case cmp < 0:
			lo = x.nodes[c].end
		default:
			hi = c
		}
	}
	return 0, false
}

// place returns the highest layer of the stack at or below layer i, -1 when
// only empty instructions are there.
func (x *Index) place(i int) int {
	at := -1
	for s, l := range x.stack {
		if l <= i {
			at = s
		}
	}
	return at
}
