package layers

import (
	"archive/tar"
	"context"
	"errors"

	"github.com/opencontainers/go-digest"

	"gantry/store/layer"
)

// Diff is what differs between two images, as the finished containers see it.
type Diff struct {
	A, B *Index // their Layers have Shared set

	both *Index // two layers: all of A, then what makes B of it
}

// Against compares two images. Close of the result closes both.
func (x *Index) Against(other *Index) (*Diff, error) {
	d := &Diff{A: x.marked(other), B: other.marked(x)}
	d.both = &Index{
		raw: map[int32]string{}, homes: map[int32]int32{}, name: x.name + " → " + other.name,
		layers: []Layer{{Instruction: x.name}, {Instruction: other.name}}, stack: []int{0, 1},
	}
	a, b := x.flatten(), other.flatten()
	b = changes(a, b)
	return d, d.both.merge([]feed{list(a), list(b)}, max(len(a), len(b)), len(a)+len(b))
}

// marked returns x with the layers marked that other has too.
func (x *Index) marked(other *Index) *Index {
	has := map[digest.Digest]bool{}
	for _, l := range other.layers {
		has[l.DiffID] = !l.Empty
	}
	out := *x
	out.layers = make([]Layer, len(x.layers))
	for i, l := range x.layers {
		l.Shared = !l.Empty && has[l.DiffID]
		out.layers[i] = l
	}
	return &out
}

// flatten lists the finished image as if it were one layer.
func (x *Index) flatten() []layer.Entry {
	out := []layer.Entry{{Path: ".", Type: tar.TypeDir, Mode: 0o755}}
	first := map[int32]string{} // content with several names → the first of them
	for n := int32(0); n < int32(len(x.nodes)); n++ {
		s, ok := x.state(n, len(x.stack)-1)
		if !ok {
			continue
		}
		a, c := &x.versions[s.attrs], &x.versions[s.content]
		more := &x.more[a.more]
		e := layer.Entry{
			Path: x.rawPath(n), Type: c.typ, Mode: uint32(a.mode), UID: int(a.uid), GID: int(a.gid), Size: c.size,
			Sum: c.sum, Xattrs: more.xattrs, Major: more.major, Minor: more.minor, Link: x.more[c.more].rawLink,
		}
		e.ModTime = x.time(a)
		if n == 0 {
			e.Path = "."
			out[0] = e
			continue
		}
		if c.typ == tar.TypeReg && c.marks&linked != 0 {
			if name, ok := first[s.content]; ok {
				e.Type, e.Link, e.Size = tar.TypeLink, name, 0
			} else {
				first[s.content] = e.Path
			}
		}
		out = append(out, e)
	}
	return out
}

// changes lists b, with a whiteout for each path that only a has.
func changes(a, b []layer.Entry) []layer.Entry {
	out := make([]layer.Entry, 0, len(b))
	gone := "" // the directory last removed: what was in it needs no word
	for i, j := 0, 0; i < len(a) || j < len(b); {
		c := 0
		switch {
		case i == len(a):
			c = 1
		case j == len(b):
			c = -1
		default:
			c = compare(a[i].Path, b[j].Path)
		}
		if c >= 0 {
			out = append(out, b[j])
			if b[j].Type != tar.TypeDir {
				gone = b[j].Path // in place of a directory
			}
			j++
		} else if gone == "" || !inside(a[i].Path, gone) {
			gone = a[i].Path
			out = append(out, layer.Entry{Path: gone, Type: tar.TypeChar, Whiteout: true})
		}
		if c <= 0 {
			i++
		}
	}
	return out
}

// View is one tree over both images: Added is in B only, Removed in A only. In
// rows, Layer is a layer of A for what was removed and of B otherwise.
func (d *Diff) View(o ViewOptions) (*View, error) {
	v, err := d.both.View(1, 1, o)
	if err != nil {
		return nil, err
	}
	v.layerOf = func(path string, c Class) int {
		side := d.B
		if c == Removed {
			side = d.A
		}
		if version, ok := side.At(len(side.layers)-1, path); ok {
			return version.Layer
		}
		return 0
	}
	return v, nil
}

// Path returns what each image has at a path.
func (d *Diff) Path(path string) (a, b Version, inA, inB bool) {
	a, inA = d.A.At(len(d.A.layers)-1, path)
	b, inB = d.B.At(len(d.B.layers)-1, path)
	return a, b, inA, inB
}

// Open reads a file of B, or of A when B has none.
func (d *Diff) Open(ctx context.Context, path string) (*Content, error) {
	if _, ok := d.B.At(len(d.B.layers)-1, path); ok {
		return d.B.Open(ctx, len(d.B.layers)-1, path)
	}
	return d.A.Open(ctx, len(d.A.layers)-1, path)
}

// Close closes both.
func (d *Diff) Close() error { return errors.Join(d.A.Close(), d.B.Close()) }
