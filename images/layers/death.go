package layers

import (
	"archive/tar"
)

// set is a set of layers.
type set [maxLayers / 64]uint64

func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// after returns the lowest member above i, or -1.
func (s *set) after(i int) int16 {
	for j := i + 1; j < maxLayers; j++ {
		if s[j/64]>>(j%64) == 0 {
			j |= 63
			continue
		}
		if s.has(j) {
			return int16(j)
		}
	}
	return -1
}

// hides reports whether a version hides all that lower layers have below it.
func (v *version) hides() bool {
	return v.marks&(whiteout|opaque) != 0 || v.typ != tar.TypeDir
}

// bury finds out for every version which layer put an end to it: the next one
// with an entry for the path, or one that hides what is below a directory above
// it. One pass from the root down, whatever the number of whiteouts.
func (x *Index) bury() {
	hidden := make([]set, 1, 32) // by depth: the layers that hide from above
	for n := range x.nodes {
		nd := &x.nodes[n]
		from := hidden[nd.depth]
		own := from
		versions := x.versions[nd.first:x.after(int32(n))]
		for i := range versions {
			v := &versions[i]
			v.died = from.after(int(v.layer))
			for _, next := range versions[i+1:] {
				if next.marks&implied != 0 && v.typ == tar.TypeDir && v.marks&whiteout == 0 {
					continue // says nothing about the directory
				}
				if at := int16(next.layer); v.died < 0 || at < v.died {
					v.died = at
				}
				break
			}
			if v.hides() {
				own.add(int(v.layer))
			}
		}
		if int(nd.depth)+1 >= len(hidden) {
			hidden = append(hidden, own)
		} else {
			hidden[nd.depth+1] = own
		}
	}
	x.outlive()
}

// link joins hard links to the version that has their content.
func (x *Index) link() {
	for n := range x.nodes {
		for i := int32(x.nodes[n].first); i < x.after(int32(n)); i++ {
			v := &x.versions[i]
			if v.typ != tar.TypeLink || v.marks&below != 0 {
				continue
			}
			if target, ok := x.find(x.more[v.more].rawLink); ok {
				if p := x.in(target, int(v.layer)); p >= 0 && p != i && x.versions[p].typ != tar.TypeLink {
					x.join(i, p, target)
				}
			}
		}
	}
}

// join makes a version another name of the content that home has.
func (x *Index) join(name, inode, home int32) {
	if at, ok := x.homes[inode]; !ok || at < 0 {
		x.homes[inode] = home
	}
	x.versions[name].inode = inode
	x.versions[name].marks |= linked
	x.versions[inode].marks |= linked
}

// outlive gives content with several names the death of its last one. Links
// into lower layers are resolved here, because only now it is known what those
// have. A layer that links to a file below keeps that file's bytes in use.
func (x *Index) outlive() {
	x.groups = map[int32]int16{}
	for n := range x.nodes {
		for i := int32(x.nodes[n].first); i < x.after(int32(n)); i++ {
			v := &x.versions[i]
			if v.typ != tar.TypeLink || v.marks&below == 0 {
				continue
			}
			if target, ok := x.find(x.more[v.more].rawLink); ok {
				if s, ok := x.state(target, int(v.layer)-1); ok && x.versions[s.content].typ != tar.TypeLink {
					x.join(i, s.content, target)
				}
			}
		}
	}
	for i := range x.versions {
		v := &x.versions[i]
		if v.marks&linked == 0 {
			continue
		}
		last, known := x.groups[v.inode]
		switch {
		case !known || v.died < 0:
			last = v.died
		case last >= 0:
			last = max(last, v.died)
		}
		if known && x.groups[v.inode] < 0 {
			last = -1
		}
		x.groups[v.inode] = last
	}
}

// content reports how many bytes a version stores, and which layer made them
// useless, -1 for none. A hard link stores none.
func (x *Index) content(i int32) (size int64, died int16) {
	v := &x.versions[i]
	if v.typ != tar.TypeReg || v.marks&whiteout != 0 {
		return 0, v.died
	}
	if v.marks&linked != 0 {
		return v.size, x.groups[i]
	}
	return v.size, v.died
}

// seen is a path as it shows after some layer: the version that shows, the one
// that has its attributes, and the one that has its content. They differ for
// directories without an entry of their own and for hard links.
type seen struct {
	shown, attrs, content int32
}

// state returns what is at a path after layer at of the stack.
func (x *Index) state(n int32, at int) (seen, bool) {
	first := int32(x.nodes[n].first)
	i := x.top(n)
	for i >= first && int(x.versions[i].layer) > at {
		i--
	}
	if i < first {
		return seen{}, false
	}
	v := &x.versions[i]
	if v.marks&whiteout != 0 || v.died >= 0 && int(v.died) <= at {
		return seen{}, false
	}
	s := seen{i, i, i}
	switch {
	case v.typ == tar.TypeLink:
		s.content, s.attrs = v.inode, v.inode
	case v.marks&implied != 0:
		s.attrs = x.explicit(first, i)
	}
	return s, true
}

// explicit returns the version a directory without an entry of its own has its
// attributes from.
func (x *Index) explicit(first, i int32) int32 {
	for j := i; j >= first; j-- {
		v := &x.versions[j]
		if v.typ != tar.TypeDir || v.marks&whiteout != 0 || v.died >= 0 && v.died <= int16(x.versions[i].layer) {
			break
		}
		if v.marks&implied == 0 {
			return j
		}
	}
	return i
}
