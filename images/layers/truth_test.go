package layers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mega = 1 << 20

// What dive 0.13.1 gets wrong.
func TestWhereDiveIsWrong(t *testing.T) {
	t.Run("a symbolic link that leads elsewhere is changed", func(t *testing.T) {
		x := index(t, []entry{symlink("current", "v1")}, []entry{symlink("current", "v2")})
		v := view(t, x, 1, 1, ViewOptions{})
		if got := v.Rows(0, 1)[0]; got.Class != Changed || got.Link != "v2" {
			t.Errorf("row = %+v", got)
		}
	})
	t.Run("an opaque directory hides what was in it", func(t *testing.T) {
		x := index(t, []entry{dir("d"), file("d/old", 2*mega), file("keep", 10)},
			[]entry{dir("d"), opaqueDir("d"), file("d/new", 5)})
		want := []string{"M d 5", "A d/new 5", "R d/old 2097152", "  keep 10"}
		if diff := cmp.Diff(want, listing(view(t, x, 1, 1, ViewOptions{Flat: true}))); diff != "" {
			t.Error(diff)
		}
		s := x.Stats()
		if s.Reclaimable != 2*mega || s.Dive.WastedBytes != 2*mega || s.Dive.Efficiency > 0.01 {
			t.Errorf("stats = %+v", s)
		}
		if l := x.Layers(); l[1].Killed != 2*mega || l[0].DiedLater != 2*mega {
			t.Errorf("layers = %+v", l)
		}
	})
	t.Run("superseded bytes count once", func(t *testing.T) {
		x := index(t, []entry{file("a", 3*mega)}, []entry{file("a", 3*mega)})
		s := x.Stats()
		if s.Reclaimable != 3*mega || s.Dive.WastedBytes != 6*mega || s.Live != 3*mega {
			t.Errorf("stats = %+v", s)
		}
	})
	t.Run("attributes count, times do not", func(t *testing.T) {
		x := index(t, []entry{file("caps", 0), file("plain", 0)},
			[]entry{xattr(file("caps", 0), "security.capability",
				"\x00\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), file("plain", 0)})
		rows := view(t, x, 1, 1, ViewOptions{}).Rows(0, 2)
		if rows[0].Class != Changed || rows[0].Flags&Capabilities == 0 || rows[1].Class != Unmodified || rows[1].Flags&Rewritten == 0 {
			t.Errorf("rows = %+v", rows)
		}
		if v, _ := x.At(1, "caps"); v.Xattrs["security.capability"] != "cap_net_raw=p" {
			t.Errorf("attributes = %v", v.Xattrs)
		}
	})
}

func TestWhiteouts(t *testing.T) {
	x := index(t,
		[]entry{dir("d"), dir("d/s"), file("d/s/f", 100), file("d/g", 10), file("e", 1)},
		[]entry{dir("d"), file("d/.wh.s", 0)},
		[]entry{dir("d"), dir("d/s"), file("d/s/f", 7)},
		[]entry{file(".wh.d", 0)},
		[]entry{file("d", 3)},
	)
	for name, c := range map[string]struct {
		from, to int
		want     []string
	}{
		"directory gone":         {1, 1, []string{"M d 10", "  d/g 10", "R d/s 100", "R d/s/f 100", "  e 1"}},
		"directory again":        {2, 2, []string{"M d 17", "  d/g 10", "A d/s 7", "A d/s/f 7", "  e 1"}},
		"gone and back":          {1, 2, []string{"M d 17", "  d/g 10", "M d/s 7", "M d/s/f 7", "  e 1"}},
		"all of it gone":         {3, 3, []string{"R d 17", "R d/g 10", "R d/s 7", "R d/s/f 7", "  e 1"}},
		"a file in its place":    {4, 4, []string{"A d 3", "  e 1"}},
		"from directory to file": {3, 4, []string{"M d 3", "R d/g 10", "R d/s 7", "R d/s/f 7", "  e 1"}},
		"all":                    {0, 4, []string{"A d 3", "A e 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := listing(view(t, x, c.from, c.to, ViewOptions{Flat: true}))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	var killed, died []int64
	for _, l := range x.Layers() {
		killed, died = append(killed, l.Killed), append(died, l.DiedLater)
	}
	if diff := cmp.Diff([]int64{0, 100, 0, 17, 0}, killed); diff != "" {
		t.Error("killed", diff)
	}
	if diff := cmp.Diff([]int64{110, 0, 7, 0, 0}, died); diff != "" {
		t.Error("died", diff)
	}
	var history []string
	for _, v := range x.Path("d/s/f") {
		history = append(history, x.Layers()[v.Layer].Instruction+" "+v.Class.String())
	}
	if diff := cmp.Diff([]string{"RUN step 0 added", "RUN step 1 removed", "RUN step 2 added", "RUN step 3 removed"}, history); diff != "" {
		t.Error(diff)
	}
}

func TestHardLinks(t *testing.T) {
	x := index(t,
		[]entry{file("a", 1000), hardlink("b", "a"), hardlink("c", "a")},
		[]entry{file(".wh.a", 0)},
		[]entry{hardlink("below", "b"), file(".wh.b", 0), file(".wh.c", 0)},
		[]entry{file(".wh.below", 0)},
	)
	if s := x.Stats(); s.Size != 1000 || s.Reclaimable != 1000 {
		t.Errorf("stats = %+v", s)
	}
	l := x.Layers()
	if l[1].Killed != 0 || l[2].Killed != 0 || l[3].Killed != 1000 || l[0].Files != 1 {
		t.Errorf("killed by %d, %d, %d; files %d", l[1].Killed, l[2].Killed, l[3].Killed, l[0].Files)
	}
	if got := view(t, x, 0, 0, ViewOptions{}).Totals(); got.Bytes[Added] != 1000 || got.Files[Added] != 3 {
		t.Errorf("totals = %+v", got)
	}
	if got := view(t, x, 1, 1, ViewOptions{Hide: map[Class]bool{Removed: true}}).Totals(); got.Bytes[Unmodified] != 1000 {
		t.Errorf("totals without the first name = %+v", got)
	}
	if v, ok := x.At(2, "below"); !ok || v.Size != 1000 || v.Flags&HardLink == 0 {
		t.Errorf("below = %+v, %v", v, ok)
	}
}

func TestImpliedDirectoriesKeepTheirAttributes(t *testing.T) {
	x := index(t, []entry{mode(dir("tmp"), 0o1777)}, []entry{file("tmp/f", 4)})
	v, _ := x.At(1, "tmp")
	if v.Mode != 0o1777 || v.Flags&Sticky == 0 || v.Layer != 1 {
		t.Errorf("tmp = %+v", v)
	}
	if rows := view(t, x, 1, 1, ViewOptions{}).Rows(0, 1); rows[0].Class != Changed || rows[0].Flags&Inherited == 0 || rows[0].Mode != 0o1777 {
		t.Errorf("row = %+v", rows[0])
	}
	if n := len(x.Path("tmp")); n != 1 {
		t.Errorf("tmp has %d versions, want 1", n)
	}
}

func TestSetuid(t *testing.T) {
	x := index(t, []entry{file("bin", 3)}, []entry{mode(file("bin", 3), 0o4755)})
	if r := view(t, x, 1, 1, ViewOptions{}).Rows(0, 1)[0]; r.Class != Changed || r.Flags&Setuid == 0 {
		t.Errorf("row = %+v", r)
	}
}

func TestHostileNamesAreCleaned(t *testing.T) {
	x := index(t, []entry{file("a\x1b[2Jb", 4), file(`a\x1b[2Jb`, 5), symlink("l", "\x1b]0;x\a")})
	rows := view(t, x, 0, 0, ViewOptions{}).Rows(0, 9)
	var got []string
	for _, r := range rows {
		got = append(got, r.Path+" "+r.Link)
	}
	if diff := cmp.Diff([]string{`a\x1b[2Jb `, `a\x1b[2Jb~2 `, `l \x1b]0;x\x07`}, got); diff != "" {
		t.Error(diff)
	}
	for _, r := range rows[:2] {
		if v, ok := x.At(0, r.Path); !ok || v.Size != r.Size {
			t.Errorf("At(%q) = %+v, %v", r.Path, v, ok)
		}
	}
}

func TestDiff(t *testing.T) {
	shared := []entry{dir("d"), file("d/same", 10), file("d/old", 20), dir("gone"), file("gone/x", 1), hardlink("gone/y", "gone/x")}
	a := index(t, shared, []entry{file("f", 5)})
	b := index(t, shared, []entry{file("d/new", 6), file("d/.wh.old", 0), file(".wh.gone", 0), file("f", 7)})
	d, err := a.Against(b)
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.View(ViewOptions{Flat: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"M d 16", "A d/new 6", "R d/old 20", "  d/same 10", "M f 7", "R gone 1", "R gone/x 1", "R gone/y 1"}
	if diff := cmp.Diff(want, listing(v)); diff != "" {
		t.Error(diff)
	}
	if !d.B.Layers()[0].Shared || d.B.Layers()[1].Shared {
		t.Error("shared layers are not marked as they are")
	}
	if v.Rows(4, 1)[0].Layer != 1 {
		t.Errorf("f comes from layer %d", v.Rows(4, 1)[0].Layer)
	}
}
