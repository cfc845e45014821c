package layers

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/internal/termsafe"
	"gantry/store"
	"gantry/store/layer"
)

// maxLayers bounds the layers of one image, as overlayfs and registries do.
const maxLayers = 128

// node is a path. Nodes are in the order of layer.Compare, so what is in a
// directory follows it: nodes[i+1:nodes[i].end] is the tree below i.
type node struct {
	name  uint32 // printable, in Index.text
	size  uint16 // of the name
	depth uint16 // 0 for the root
	up    int32
	end   int32
	first uint32 // of its versions; they end where the next node's begin
}

// version is what one layer has at a path.
type version struct {
	layer uint8 // place in Index.stack
	typ   byte  // tar type flag
	marks marks
	died  int16 // place in stack of what replaced or removed it, -1: nothing did
	mode  uint16
	uid   uint32
	gid   uint32
	size  int64
	off   int64
	sec   int64
	sum   [32]byte
	more  int32 // in Index.more, 0: nothing
	inode int32 // the version that has the content; itself unless a hard link
}

type marks uint8

const (
	whiteout marks = 1 << iota
	opaque
	implied
	below  // a hard link to a file in a lower layer
	inner  // a directory with entries in the same layer
	linked // its content has several names
)

// extra is what few versions have.
type extra struct {
	link         string // printable
	rawLink      string
	xattrs       map[string]string // as they are
	major, minor uint32
}

// builder merges layers' indexes.
type builder struct {
	x     *Index
	heads []*head // those with an entry left, the smallest path first
	path  []string
	stack []int32 // the nodes above the one being made
	dirty map[int32]map[string]bool
}

// feed returns the entries of a layer one by one, each valid until the next
// call, and nil at the end. The first is the root's.
type feed func() (*layer.Entry, error)

var bareRoot = layer.Entry{Path: ".", Type: tar.TypeDir, Mode: 0o755, Implied: true}

// from reads a layer's index, which need not have the root.
func from(index *layer.Index) feed {
	c := index.Sums()
	var held *layer.Entry // that the root goes before
	begun := false
	return func() (*layer.Entry, error) {
		if e := held; e != nil {
			held = nil
			return e, nil
		}
		e, err := c.Next()
		if !begun && err == nil && e != nil && e.Path != "." {
			begun, held = true, e
			return &bareRoot, nil
		}
		begun = true
		return e, err
	}
}

// list feeds what is in memory.
func list(entries []layer.Entry) feed {
	return func() (*layer.Entry, error) {
		if len(entries) == 0 {
			return nil, nil
		}
		e := &entries[0]
		entries = entries[1:]
		return e, nil
	}
}

// head is the next entry of one layer.
type head struct {
	layer int
	entry *layer.Entry
	next  feed
}

// merge fills x with the entries of its layers, lowest first. paths and
// versions are how many there may be.
func (x *Index) merge(all []feed, paths, versions int) error {
	b := &builder{x: x}
	for i, next := range all {
		e, err := next()
		if err != nil {
			return err
		}
		if e != nil {
			b.heads = append(b.heads, &head{layer: i, entry: e, next: next})
		}
	}
	x.nodes = make([]node, 0, paths+1)
	x.versions = make([]version, 0, versions+len(all))
	x.more = make([]extra, 1)
	for i := len(b.heads)/2 - 1; i >= 0; i-- {
		b.sift(i)
	}
	for len(b.heads) > 0 {
		if err := b.next(); err != nil {
			return err
		}
	}
	for i := range x.nodes {
		if x.nodes[i].end == 0 {
			x.nodes[i].end = int32(len(x.nodes))
		}
	}
	x.link()
	x.bury()
	return nil
}

func compare(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == ".":
		return -1
	case b == ".":
		return 1
	}
	return layer.Compare(a, b)
}

// less orders heads by path, then by layer.
func (b *builder) less(i, j int) bool {
	h, o := b.heads[i], b.heads[j]
	if c := compare(h.entry.Path, o.entry.Path); c != 0 {
		return c < 0
	}
	return h.layer < o.layer
}

// sift restores the heap below i.
func (b *builder) sift(i int) {
	for {
		least, left := i, 2*i+1
		for c := left; c < min(left+2, len(b.heads)); c++ {
			if b.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		b.heads[i], b.heads[least] = b.heads[least], b.heads[i]
		i = least
	}
}

// next takes the smallest entry.
func (b *builder) next() error {
	h := b.heads[0]
	if e := h.entry; len(b.path) == 0 || b.path[len(b.path)-1] != e.Path {
		if err := b.node(e.Path); err != nil {
			return err
		}
	}
	b.version(h.layer, h.entry)
	e, err := h.next()
	if err != nil {
		return err
	}
	if h.entry = e; e == nil {
		last := len(b.heads) - 1
		b.heads[0] = b.heads[last]
		b.heads = b.heads[:last]
	}
	b.sift(0)
	return nil
}

// node begins a new path.
func (b *builder) node(path string) error {
	x, n := b.x, int32(len(b.x.nodes))
	for len(b.path) > 1 && !inside(path, b.path[len(b.path)-1]) {
		b.pop(n)
	}
	nd := node{first: uint32(len(x.versions)), up: -1}
	name := path
	if len(b.stack) > 0 {
		nd.up, nd.depth = b.stack[len(b.stack)-1], uint16(len(b.stack))
		if len(b.path) > 1 {
			name = path[len(b.path[len(b.path)-1])+1:]
		}
	}
	if n > 0 && (strings.Contains(name, "/") || len(b.stack) == 0) {
		return fmt.Errorf("a layer's index has %q without its directory: %w", path, store.ErrDamaged)
	}
	shown := b.printable(n, nd.up, name)
	nd.name, nd.size = uint32(len(x.text)), uint16(len(shown))
	x.text = append(x.text, shown...)
	x.nodes = append(x.nodes, nd)
	b.path, b.stack = append(b.path, path), append(b.stack, n)
	return nil
}

func (b *builder) pop(end int32) {
	last := len(b.path) - 1
	b.x.nodes[b.stack[last]].end = end
	b.path, b.stack = b.path[:last], b.stack[:last]
}

func inside(path, dir string) bool {
	return len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// printable returns the name to show for a raw one, not used by a sibling.
func (b *builder) printable(n, up int32, name string) string {
	shown := termsafe.Line(name)
	if shown == name && !strings.Contains(name, `\`) {
		return name
	}
	if b.dirty == nil {
		b.dirty = map[int32]map[string]bool{}
	}
	taken := b.dirty[up]
	if taken == nil {
		taken = map[string]bool{}
		b.dirty[up] = taken
	}
	for base, i := shown, 2; taken[shown]; i++ {
		shown = fmt.Sprintf("%s~%d", base, i)
	}
	taken[shown] = true
	if shown != name {
		b.x.raw[n] = name
	}
	return shown
}

func (b *builder) version(at int, e *layer.Entry) {
	x := b.x
	v := version{
		layer: uint8(at), typ: e.Type, died: -1, mode: uint16(e.Mode), uid: uint32(e.UID), gid: uint32(e.GID),
		size: e.Size, off: e.Offset, sec: e.ModTime.Unix(), sum: e.Sum, inode: int32(len(x.versions)),
	}
	set := func(m marks, on bool) {
		if on {
			v.marks |= m
		}
	}
	set(whiteout, e.Whiteout)
	set(opaque, e.Opaque)
	set(implied, e.Implied)
	set(below, e.Below)
	if e.Link != "" || len(e.Xattrs) > 0 || e.Major != 0 || e.Minor != 0 {
		v.more = int32(len(x.more))
		x.more = append(x.more, extra{
			link: termsafe.Line(e.Link), rawLink: e.Link, xattrs: e.Xattrs, major: e.Major, minor: e.Minor,
		})
	}
	x.versions = append(x.versions, v)
	if up := x.nodes[len(x.nodes)-1].up; up >= 0 {
		if p := x.in(up, at); p >= 0 {
			x.versions[p].marks |= inner
		}
	}
}

// same reports whether two versions, as seen, look alike: what is compared is
// all but the time.
func (x *Index) same(a, b seen) bool {
	va, vb := &x.versions[a.content], &x.versions[b.content]
	aa, ab := &x.versions[a.attrs], &x.versions[b.attrs]
	if va.typ != vb.typ || aa.mode != ab.mode || aa.uid != ab.uid || aa.gid != ab.gid {
		return false
	}
	ma, mb := &x.more[aa.more], &x.more[ab.more]
	if !maps.Equal(ma.xattrs, mb.xattrs) {
		return false
	}
	switch va.typ {
	case tar.TypeReg:
		return va.size == vb.size && bytes.Equal(va.sum[:], vb.sum[:])
	case tar.TypeSymlink, tar.TypeLink:
		return x.more[va.more].rawLink == x.more[vb.more].rawLink
	case tar.TypeChar, tar.TypeBlock:
		return x.more[va.more].major == x.more[vb.more].major && x.more[va.more].minor == x.more[vb.more].minor
	}
	return true
}

// top is the version in the highest of a path's layers.
func (x *Index) top(n int32) int32 { return x.after(n) - 1 }

// after is where the versions of n end.
func (x *Index) after(n int32) int32 {
	if int(n)+1 < len(x.nodes) {
		return int32(x.nodes[n+1].first)
	}
	return int32(len(x.versions))
}

// in returns the version of n in one layer, or -1.
func (x *Index) in(n int32, at int) int32 {
	first, end := int32(x.nodes[n].first), x.after(n)
	if end > first && int(x.versions[end-1].layer) == at { // the usual question
		return end - 1
	}
	i, ok := slices.BinarySearchFunc(x.versions[first:end], at, func(v version, at int) int { return int(v.layer) - at })
	if !ok {
		return -1
	}
	return first + int32(i)
}
