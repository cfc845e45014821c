package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"gantry/internal/testenv"
)

func TestIndexSaysWhatIsInTheLayer(t *testing.T) {
	s := Open(newTestRoot(t))
	stamp := time.Unix(1_700_000_000, 5)
	f := file("./usr/f", "content", 0o4755).owned(1, 70_000).xattr("user.note", "kept")
	f.ModTime, f.Format = stamp, tar.FormatPAX
	data := tarOf(t, f, link("usr/f", "hard"), symlink("usr", "lib"), file("lib/g", "", 0o600), file("usr-a", "x", 0o600),
		file("lib/.wh.w", "", 0o644), file("q/.wh..wh..opq", "", 0o644), special(tar.TypeBlock, "sda", 8, 1), link("nowhere", "below"))
	l, err := unpack(s, data)
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.Index(l.DiffID)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for e, err := range x.All() {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, e.Path)
	}
	want := []string{"below", "hard", "lib", "q", "sda", "usr", "usr/f", "usr/g", "usr/w", "usr-a"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	got := entries(t, s, l.DiffID)
	e := got["usr/f"]
	wantF := Entry{Path: "usr/f", Type: tar.TypeReg, Mode: 0o4755, UID: 1, GID: 70_000, ModTime: stamp, Size: 7,
		Xattrs: map[string]string{"user.note": "kept"}, Digest: digest.FromString("content"), Offset: e.Offset}
	if diff := cmp.Diff(wantF, e); diff != "" {
		t.Errorf("usr/f (-want +got):\n%s", diff)
	}
	if at := data[e.Offset : e.Offset+e.Size]; string(at) != "content" {
		t.Errorf("the tar has %q at the offset of usr/f", at)
	}
	if h := got["hard"]; h.Type != tar.TypeLink || h.Link != "usr/f" || h.Below {
		t.Errorf("hard = %+v", h)
	}
	if b := got["below"]; b.Type != tar.TypeLink || b.Link != "nowhere" || !b.Below {
		t.Errorf("below = %+v", b)
	}
	if !got["usr"].Implied || !got["usr/w"].Whiteout || !got["q"].Opaque || got["sda"].Major != 8 || got["lib"].Link != "usr" {
		t.Errorf("index = %+v", got)
	}
}

func TestCompareKeepsDirectoriesTogether(t *testing.T) {
	got := []string{"a.b", "a-b", "ab", "a/b", "a", "", "a/b/c", "a/a-b"}
	slices.SortFunc(got, Compare)
	want := []string{"", "a", "a/a-b", "a/b", "a/b/c", "a-b", "a.b", "ab"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestRealImage unpacks a distribution and compares it with what its own tar
// says. It needs the images beside the project.
func TestRealImage(t *testing.T) {
	found, _ := filepath.Glob("../../../shared/images/alpine/*x86_64.tar.gz")
	if len(found) == 0 {
		testenv.Missing(t, "needs ../shared/images")
	}
	f, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	s := Open(newTestRoot(t))
	l, err := unpack(s, data)
	if err != nil {
		t.Fatal(err)
	}
	verifies(t, s, l)
	var buf bytes.Buffer
	if err := Tar(t.Context(), l.Dir, &buf); err != nil {
		t.Fatal(err)
	}
	again, err := unpack(s, buf.Bytes())
	if err != nil || again.Size != l.Size || again.Files != l.Files || !l.SelfContained {
		t.Errorf("unpacked %+v, packed and unpacked again %+v, %v", l, again, err)
	}
	mount(t, s, l.DiffID).looks("tmp", "41777 0:0")
}

// BenchmarkIndex opens and reads an index of 60,000 entries.
func BenchmarkIndex(b *testing.B) {
	nodes := []*node{newTree(1).root}
	for i := range 60_000 {
		n := &node{path: fmt.Sprintf("usr/share/package-%04d/some/file-%06d", i/20, i)}
		n.ino = &inode{typ: tar.TypeReg, mode: 0o644, size: int64(i), offset: int64(i) * 512, sec: 1_700_000_000, primary: n}
		nodes = append(nodes, n)
	}
	path := filepath.Join(b.TempDir(), indexName)
	if err := writeIndex(path, nodes); err != nil {
		b.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		x, err := parseIndex(data)
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range x.All() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(fi.Size()), "file-bytes")
}
