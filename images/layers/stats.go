package layers

import (
	"archive/tar"
	"cmp"
	"slices"
)

// account fills in what layers and the image cost. One pass over all versions.
func (x *Index) account() {
	t := tally{x: x, killed: map[int32]int64{}}
	for i := range x.versions {
		v := &x.versions[i]
		size, died := x.content(int32(i))
		l := &x.layers[x.stack[v.layer]]
		if v.typ == tar.TypeReg && v.marks&whiteout == 0 {
			l.Files++
		}
		l.Size += size
		if died >= 0 {
			l.DiedLater += size
			x.layers[x.stack[died]].Killed += size
			x.stats.Reclaimable += size
		}
		x.stats.Size += size
		if v.layer > 0 {
			x.stats.UserSize += size
		}
	}
	x.stats.Live = x.stats.Size - x.stats.Reclaimable
	x.stats.Efficiency = share(x.stats.Live, x.stats.Size)
	for n := range x.nodes {
		t.node(int32(n))
	}
	for n := range x.nodes {
		t.dive(int32(n))
	}
	slices.SortStableFunc(x.stats.Waste, func(a, b WastePath) int { return cmp.Compare(b.Reclaimable, a.Reclaimable) })
	x.stats.Dive = DiveStats{Efficiency: share(t.least, t.all), WastedBytes: t.wasted}
	if x.stats.UserSize > 0 {
		x.stats.Dive.UserWastedPercent = float64(t.wasted) / float64(x.stats.UserSize)
	}
}

// share is part ÷ whole, and 1 of nothing.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// tally adds up what is wasted, by path.
type tally struct {
	x                  *Index
	killed             map[int32]int64 // bytes below a directory, by its whiteout
	least, all, wasted int64           // dive's sums
}

// node notes what a path wastes, what it adds, and charges content that goes
// with a directory to the whiteout of that.
func (t *tally) node(n int32) {
	x := t.x
	w := WastePath{}
	for i := int32(x.nodes[n].first); i < x.after(n); i++ {
		v := &x.versions[i]
		size, died := x.content(i)
		w.Stored += size
		if v.marks&whiteout == 0 {
			w.Versions++
			if _, there := x.state(n, int(v.layer)-1); !there {
				x.layers[x.stack[v.layer]].Added += size
			}
		}
		if died >= 0 {
			w.Reclaimable += size
		}
		if v.typ == tar.TypeReg && v.died >= 0 {
			if cause := t.cause(n, int(v.died)); cause >= 0 && x.versions[cause].marks&whiteout != 0 {
				t.killed[cause] += v.size
			}
		}
	}
	if w.Reclaimable > 0 {
		w.Path = x.path(n)
		_, there := x.state(n, len(x.stack)-1)
		w.Removed = !there
		x.stats.Waste = append(x.stats.Waste, w)
	}
}

// cause returns the version of a directory above n by which a layer hides n,
// or -1 when n has an entry of its own there.
func (t *tally) cause(n int32, at int) int32 {
	x := t.x
	if x.in(n, at) >= 0 {
		return -1
	}
	for up := x.nodes[n].up; up >= 0; up = x.nodes[up].up {
		if i := x.in(up, at); i >= 0 && x.versions[i].hides() {
			return i
		}
	}
	return -1
}

// dive adds a path to the sums dive has. It counts leaves only: a whiteout
// stands for the size of the directory it hides, and for nothing when that was
// a file. Unlike dive we take what an opaque directory, or a file in place of
// a directory, hides for removed.
func (t *tally) dive(n int32) {
	x := t.x
	var sum, count int64
	least := int64(-1)
	add := func(size int64) {
		sum += size
		count++
		if least < 0 || size < least {
			least = size
		}
	}
	for i := int32(x.nodes[n].first); i < x.after(n); i++ {
		v := &x.versions[i]
		switch {
		case v.marks&whiteout != 0:
			add(t.killed[i])
		case v.typ != tar.TypeDir:
			size, _ := x.content(i)
			add(size)
		case v.marks&inner == 0:
			add(0)
		default:
			continue
		}
		if v.died >= 0 && v.typ == tar.TypeReg && v.marks&whiteout == 0 {
			if c := t.cause(n, int(v.died)); c >= 0 && x.versions[c].marks&whiteout == 0 {
				add(0)
			}
		}
	}
	if count == 0 {
		return
	}
	t.least, t.all = t.least+least, t.all+sum
	if count > 1 {
		t.wasted += sum
	}
}
