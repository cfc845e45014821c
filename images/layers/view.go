package layers

import (
	"archive/tar"
	"cmp"
	"slices"
)

// View is a tree to scroll in. Its rows are computed when they are asked for.
// It is not safe for concurrent use.
type View struct {
	x      *Index
	o      ViewOptions
	cells  []cell // by node
	totals Totals

	open, closed bits // as the user wants
	auto         bits // opened to show what a filter found
	rows         []int32
	sorted       map[int32][]int32              // children of open directories, by size
	layerOf      func(path string, c Class) int // nil: the layer of the version
}

// cell is what a view knows of a node.
type cell struct {
	size  int64 // of what is shown in it
	shown int32 // version; -1: not in the view
	class Class
	state cellState
}

type cellState uint8

const (
	visible cellState = 1 << iota
	matched
	parent    // has something visible in it
	inherited // changed only for what is in it
	rewritten
)

type bits []uint64

func newBits(n int) bits { return make(bits, n/64+1) }

func (b bits) has(i int32) bool { return len(b) > 0 && b[i/64]&(1<<(i%64)) != 0 }
func (b bits) set(i int32)      { b[i/64] |= 1 << (i % 64) }
func (b bits) clear(i int32)    { b[i/64] &^= 1 << (i % 64) }

// View shows what layers from..to did, as a tree of what is there after to and
// what was before from.
func (x *Index) View(from, to int, o ViewOptions) (*View, error) {
	m, err := compile(o.Filter)
	if err != nil {
		return nil, err
	}
	below, top := x.place(from-1), x.place(to)
	if o.Compare == CompareAggregate {
		if below = 0; top <= 0 {
			below = -1
		}
	}
	v := &View{x: x, o: o, cells: make([]cell, len(x.nodes)), open: newBits(len(x.nodes)), closed: newBits(len(x.nodes))}
	if o.Like != nil && len(o.Like.open) == len(v.open) {
		copy(v.open, o.Like.open)
	}
	v.o.Like = nil
	v.classify(below, top)
	v.choose(m)
	v.roll()
	v.flatten()
	return v, nil
}

// classify compares every path before and after.
func (v *View) classify(below, top int) {
	x := v.x
	for n := range v.cells {
		c := &v.cells[n]
		before, was := x.state(int32(n), below)
		now, is := x.state(int32(n), top)
		if c.shown = -1; !is && !was {
			continue
		}
		c.class = Unmodified
		switch {
		case is && was && before == now:
		case is:
			c.class = x.class(now, is, before, was)
			if was && c.class == Unmodified && x.versions[now.shown].typ == tar.TypeReg {
				c.state |= rewritten
			}
		default:
			c.class = Removed
		}
		if c.shown = before.shown; is {
			c.shown = now.shown
		}
	}
}

// choose marks what the filters leave. Directories are decided by roll, except
// that a name that matches is shown whatever is in it.
func (v *View) choose(m *matcher) {
	x, w := v.x, newWalker(v.x)
	for n := int32(1); n < int32(len(v.cells)); n++ {
		c := &v.cells[n]
		if c.shown < 0 {
			n = x.nodes[n].end - 1 // nothing is in what is not there
			continue
		}
		if !m.all {
			if _, ok := w.match(m, n); ok {
				c.state |= matched
			}
		}
		if !v.o.Hide[c.class] && (m.all || c.state&matched != 0) && v.large(n, c) {
			c.state |= visible
		}
	}
}

// large applies what else a file must be.
func (v *View) large(n int32, c *cell) bool {
	ver := &v.x.versions[c.shown]
	if ver.typ == tar.TypeDir {
		return v.o.MinSize <= 0 && v.o.Only == nil
	}
	if v.x.versions[ver.inode].size < v.o.MinSize {
		return false
	}
	return v.o.Only == nil || v.o.Only(v.row(n))
}

// roll carries sizes, changes and visibility up to the directories, counting
// content with several names once.
func (v *View) roll() {
	x := v.x
	counted := map[int32]bool{}
	filtered := v.o.Filter.Text != ""
	if filtered {
		v.auto = newBits(len(v.cells))
	}
	for n := int32(len(v.cells)) - 1; n > 0; n-- {
		c := &v.cells[n]
		if c.shown < 0 {
			continue
		}
		ver := &x.versions[c.shown]
		dir := ver.typ == tar.TypeDir
		if dir && c.state&inherited != 0 && c.class == Unmodified {
			c.class = Changed
		} else {
			c.state &^= inherited
		}
		if dir && c.state&parent == 0 && v.o.Hide[c.class] {
			c.state &^= visible
		}
		if dir && c.state&parent != 0 {
			c.state |= visible
		}
		if !dir {
			v.weigh(c, ver, counted)
		}
		v.raise(n, c)
		if filtered && c.state&visible != 0 {
			if up := x.nodes[n].up; up > 0 && (c.state&matched != 0 && v.cells[up].state&matched == 0 || v.auto.has(n)) {
				v.auto.set(up)
			}
		}
	}
}

// weigh sets the size of a file, none when it was counted under another name,
// and adds it to the totals.
func (v *View) weigh(c *cell, ver *version, counted map[int32]bool) {
	if c.state&visible == 0 {
		return
	}
	v.totals.Shown++
	v.totals.Files[c.class]++
	if content := &v.x.versions[ver.inode]; content.typ == tar.TypeReg {
		if ver.inode != c.shown {
			home := &v.cells[v.x.homes[ver.inode]]
			if counted[ver.inode] || home.shown == ver.inode && home.state&visible != 0 {
				return
			}
			counted[ver.inode] = true
		}
		c.size = content.size
		v.totals.Bytes[c.class] += c.size
	}
}

// raise tells the directory of n what is in it. What was removed from a
// directory that is still there does not count to its size.
func (v *View) raise(n int32, c *cell) {
	up := &v.cells[v.x.nodes[n].up]
	if c.class != Unmodified {
		up.state |= inherited
	}
	if c.state&visible == 0 {
		return
	}
	up.state |= parent
	if c.class != Removed || up.class == Removed {
		up.size += c.size
	}
}

// Len is the number of rows.
func (v *View) Len() int { return len(v.rows) }

// Rows returns up to n rows from first on.
func (v *View) Rows(first, n int) []Row {
	first = max(0, min(first, len(v.rows)))
	n = max(0, min(n, len(v.rows)-first))
	out := make([]Row, 0, n)
	for _, at := range v.rows[first : first+n] {
		out = append(out, v.row(at))
	}
	return out
}

func (v *View) row(n int32) Row {
	x, c := v.x, &v.cells[n]
	ver := &x.versions[c.shown]
	s := seen{c.shown, c.shown, c.shown}
	switch {
	case ver.typ == tar.TypeLink:
		s.attrs, s.content = ver.inode, ver.inode
	case ver.marks&implied != 0:
		s.attrs = x.explicit(int32(x.nodes[n].first), c.shown)
	}
	a, content := &x.versions[s.attrs], &x.versions[s.content]
	r := Row{
		Path: x.path(n), Name: x.shown(n), Depth: int(x.nodes[n].depth) - 1, Class: c.class, Kind: kindOf(content.typ),
		Flags: x.flags(s), Children: c.state&parent != 0, Open: v.isOpen(n), Size: c.size, Mode: uint32(a.mode),
		UID: int(a.uid), GID: int(a.gid), Link: x.more[ver.more].link, Layer: x.stack[ver.layer],
		Matched: c.state&matched != 0,
	}
	if content.typ == tar.TypeReg {
		r.Size = content.size
	}
	if v.layerOf != nil {
		r.Layer = v.layerOf(r.Path, r.Class)
	}
	if c.state&inherited != 0 {
		r.Flags |= Inherited
	}
	if c.state&rewritten != 0 {
		r.Flags |= Rewritten
	}
	return r
}

func (v *View) isOpen(n int32) bool {
	return v.cells[n].state&parent != 0 && (v.o.Flat || v.open.has(n) || v.auto.has(n)) && !v.closed.has(n)
}

// flatten lists the rows: what is in open directories.
func (v *View) flatten() {
	v.rows = v.rows[:0]
	if v.o.SortBySize {
		v.bySize(0)
		return
	}
	for n := int32(1); n < int32(len(v.cells)); {
		if v.cells[n].state&visible == 0 {
			n = v.x.nodes[n].end
			continue
		}
		v.rows = append(v.rows, n)
		if v.isOpen(n) {
			n++
		} else {
			n = v.x.nodes[n].end
		}
	}
}

func (v *View) bySize(dir int32) {
	for _, n := range v.children(dir) {
		v.rows = append(v.rows, n)
		if v.isOpen(n) {
			v.bySize(n)
		}
	}
}

// children lists what is visible in a directory, largest first.
func (v *View) children(dir int32) []int32 {
	if list, ok := v.sorted[dir]; ok {
		return list
	}
	var list []int32
	for n := dir + 1; n < v.x.nodes[dir].end; n = v.x.nodes[n].end {
		if v.cells[n].state&visible != 0 {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b int32) int { return cmp.Compare(v.cells[b].size, v.cells[a].size) })
	if v.sorted == nil {
		v.sorted = map[int32][]int32{}
	}
	v.sorted[dir] = list
	return list
}

// Toggle opens or closes a directory and reports whether there is one to.
func (v *View) Toggle(path string) bool {
	n, ok := v.x.lookup(path)
	if !ok || n == 0 || v.cells[n].state&parent == 0 {
		return false
	}
	if v.isOpen(n) {
		v.open.clear(n)
		v.closed.set(n)
	} else {
		v.open.set(n)
		v.closed.clear(n)
	}
	v.flatten()
	return true
}

// Reveal opens the directories above path and returns its row, or -1.
func (v *View) Reveal(path string) int {
	n, ok := v.x.lookup(path)
	if !ok || v.cells[n].state&visible == 0 {
		return -1
	}
	for up := v.x.nodes[n].up; up > 0; up = v.x.nodes[up].up {
		v.open.set(up)
		v.closed.clear(up)
	}
	v.flatten()
	return slices.Index(v.rows, n)
}

// Row returns the row of a path, or -1 when it does not show.
func (v *View) Row(path string) int {
	n, ok := v.x.lookup(path)
	if !ok {
		return -1
	}
	return slices.Index(v.rows, n)
}

// OpenAll opens every directory.
func (v *View) OpenAll() {
	clear(v.closed)
	for i := range v.open {
		v.open[i] = ^uint64(0)
	}
	v.flatten()
}

// CloseAll closes every directory.
func (v *View) CloseAll() {
	clear(v.open)
	for i := range v.closed {
		v.closed[i] = ^uint64(0)
	}
	v.flatten()
}

// Totals counts the files of each class in the view and their bytes.
func (v *View) Totals() Totals { return v.totals }

// Totals is what a view holds, over all directories open or not.
type Totals struct {
	Files [4]int // by Class
	Bytes [4]int64
	Shown int // files that filters left
}
