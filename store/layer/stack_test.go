package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
)

func TestWhiteoutsAndOpaqueDirectories(t *testing.T) {
	below := []item{dir("d/", 0o700), file("d/a", "a", 0o644), file("d/b", "b", 0o644), dir("d/e/", 0o755),
		file("d/e/f", "f", 0o644), file("g", "g", 0o644)}
	tests := []struct {
		name  string
		layer []item
		want  map[string]string // content by name
		gone  []string
	}{
		{"one file", []item{dir("d/", 0o700), file("d/.wh.a", "", 0o644)},
			map[string]string{"d/b": "b", "d/e/f": "f", "g": "g"}, []string{"d/a"}},
		{"a directory", []item{file(".wh.d", "", 0o644)}, map[string]string{"g": "g"}, []string{"d", "d/a"}},
		{"opaque before", []item{dir("d/", 0o700), file("d/.wh..wh..opq", "", 0o644), file("d/n", "n", 0o644)},
			map[string]string{"d/n": "n", "g": "g"}, []string{"d/a", "d/e"}},
		{"opaque after", []item{dir("d/", 0o700), file("d/n", "n", 0o644), file("d/.wh..wh..opq", "", 0o644)},
			map[string]string{"d/n": "n", "g": "g"}, []string{"d/a", "d/e"}},
		{"opaque before its directory", []item{file("d/.wh..wh..opq", "", 0o644), dir("d/", 0o700)}, nil, []string{"d/a", "d/e"}},
		{"whiteout then directory", []item{file(".wh.d", "", 0o644), dir("d/", 0o700), file("d/n", "n", 0o644)},
			map[string]string{"d/n": "n"}, []string{"d/a", "d/e"}},
		{"directory then whiteout", []item{dir("d/", 0o700), file("d/n", "n", 0o644), file(".wh.d", "", 0o644)},
			map[string]string{"d/n": "n"}, []string{"d/a", "d/e"}},
		{"whiteout then implied directory", []item{file(".wh.d", "", 0o644), file("d/n", "n", 0o644)},
			map[string]string{"d/n": "n"}, []string{"d/a"}},
		{"whiteout then file", []item{file(".wh.g", "", 0o644), file("g", "new", 0o644)}, map[string]string{"g": "new"}, nil},
		{"file then whiteout", []item{file("g", "new", 0o644), file(".wh.g", "", 0o644)}, map[string]string{"g": "new"}, nil},
		{"root opaque", []item{file(".wh..wh..opq", "", 0o644), file("n", "n", 0o644)}, map[string]string{"n": "n"}, []string{"d", "g"}},
		{"directory over file", []item{dir("g/", 0o755), file("g/n", "n", 0o644)}, map[string]string{"g/n": "n"}, nil},
		{"file over directory", []item{file("d", "now a file", 0o644)}, map[string]string{"d": "now a file"}, []string{"d/a"}},
		{"repeated markers", []item{file("d/.wh..wh..opq", "", 0o644), file("d/.wh..wh..opq", "", 0o644), file(".wh.g", "", 0o644),
			file(".wh.g", "", 0o644)}, nil, []string{"d/a", "g"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Open(newTestRoot(t))
			a, b := mustUnpack(t, s, below...), mustUnpack(t, s, tt.layer...)
			m := mount(t, s, a.DiffID, b.DiffID)
			for name, want := range tt.want {
				m.is(name, want)
			}
			m.gone(tt.gone...)
			verifies(t, s, b)
		})
	}
}

func TestLowersFinishesWhatLeansOnTheLayersBelow(t *testing.T) {
	s := Open(newTestRoot(t))
	base := mustUnpack(t, s, dir("home/", 0o711).owned(10, 11).xattr("user.note", "kept"), dir("home/u/", 0o2750).owned(20, 21),
		dir("tmp/", 0o1777), file("lib", "library", 0o4755).owned(3, 3).xattr("security.capability", capability))
	gone := mustUnpack(t, s, file("home/.wh.u", "", 0o644))
	lean := mustUnpack(t, s, file("home/u/f", "f", 0o600), file("tmp/.wh.t", "", 0o644), link("lib", "lib2"), link("lib", "lib3"),
		link("lib2", "lib4"), symlink("f", "home/u/s"), dir("own/", 0o700))
	if lean.SelfContained || !base.SelfContained {
		t.Fatalf("self-contained: base %v, lean %v, want true, false", base.SelfContained, lean.SelfContained)
	}
	m := mount(t, s, base.DiffID, lean.DiffID)
	m.looks("home", "40711 10:11")
	m.looks("home/u", "42750 20:21")
	m.looks("tmp", "41777 0:0")
	m.looks("own", "40700 0:0")
	m.looks("lib2", "104755 3:3")
	m.is("lib3", "library")
	m.is("home/u/s", "f")
	m.same("lib2", "lib3")
	m.same("lib2", "lib4")
	m.gone("tmp/t")

	lowers, err := s.Lowers(context.Background(), []digest.Digest{base.DiffID, lean.DiffID})
	if err != nil || len(lowers) != 2 || lowers[1] != base.Dir || lowers[0] == lean.Dir {
		t.Fatalf("Lowers = %q, %v, want a variant on top of %s", lowers, err, base.Dir)
	}
	variant := Layer{Dir: lowers[0]}
	if got := getxattr(t, variant, "home", "user.note") + getxattr(t, variant, "lib2", "security.capability"); got != "kept"+capability {
		t.Errorf("attributes from below = %q", got)
	}
	a, b := lstatIno(t, lean.Dir+"/home/u/f"), lstatIno(t, variant.Dir+"/home/u/f")
	if a != b {
		t.Error("the variant has a copy of a file of the layer")
	}
	// In another chain the same layer looks different: u is new there.
	mount(t, s, base.DiffID, gone.DiffID, lean.DiffID).looks("home/u", "40755 0:0")
	list, err := s.List()
	if err != nil || len(list) != 3 {
		t.Errorf("List = %v, %v, want the 3 layers without variants", list, err)
	}
	if err := s.Remove(context.Background(), lean.DiffID); err != nil {
		t.Fatal(err)
	}
	if names, _ := os.ReadDir(s.root.Path("layers")); len(names) != 3 {
		// base, gone, and the variant of gone, which implies home.
		t.Errorf("%d directories are left, want 3: %v", len(names), names)
	}
}

func lstatIno(t *testing.T, path string) uint64 {
	t.Helper()
	d, err := openDisk(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	st, err := d.stat(filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestLowersUsesTheLayerItselfWhenDirectoriesAgree(t *testing.T) {
	s := Open(newTestRoot(t))
	base := mustUnpack(t, s, dir("usr/", 0o755), dir("usr/bin/", 0o755))
	lean := mustUnpack(t, s, file("usr/bin/app", "x", 0o755), file("opt/new/f", "x", 0o644))
	ids := []digest.Digest{base.DiffID, lean.DiffID}
	for range 2 {
		got, err := s.Lowers(context.Background(), ids)
		if diff := cmp.Diff([]string{lean.Dir, base.Dir}, got); err != nil || diff != "" {
			t.Errorf("Lowers: %v (-want +got):\n%s", err, diff)
		}
	}
	got, err := s.Lowers(context.Background(), []digest.Digest{lean.DiffID})
	if diff := cmp.Diff([]string{lean.Dir}, got); err != nil || diff != "" {
		t.Errorf("Lowers of it alone: %v (-want +got):\n%s", err, diff)
	}
}

func TestTarOfAnUnpackedLayerGivesItAgain(t *testing.T) {
	s := Open(newTestRoot(t))
	l := mustUnpack(t, s,
		dir("d/", 0o2755).owned(1, 2), file("d/.wh..wh..opq", "", 0o644), file("d/f", "content", 0o4755).xattr("security.capability", capability),
		link("d/f", "d/g"), file("d/.wh.gone", "", 0o644), symlink("f", "d/s"), special(tar.TypeFifo, "p", 0, 0),
		special(tar.TypeChar, "null", 1, 3), file("u", "x", 0o600).xattr("user.note", "n"), file(".wh.top", "", 0o644))
	var first, second bytes.Buffer
	if err := Tar(context.Background(), l.Dir, &first); err != nil {
		t.Fatal(err)
	}
	again, err := unpack(s, first.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want, got := entries(t, s, l.DiffID), entries(t, s, again.DiffID)
	for _, m := range []map[string]Entry{want, got} {
		for name, e := range m {
			e.Offset = 0 // the order in the tar differs
			m[name] = e
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after Tar and From (-want +got):\n%s", diff)
	}
	if err := Tar(context.Background(), again.Dir, &second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("the same files give another tar (%v)", err)
	}
}

func TestTarRefusesWhatOverlayKeepsInPart(t *testing.T) {
	newTestRoot(t)
	upper := t.TempDir()
	if err := os.Mkdir(filepath.Join(upper, "moved"), 0o755); err != nil {
		t.Fatal(err)
	}
	setxattr(t, filepath.Join(upper, "moved"), "trusted.overlay.redirect", "/old")
	if err := Tar(context.Background(), upper, new(bytes.Buffer)); err == nil {
		t.Error("Tar packed a directory whose content is below")
	}
}
