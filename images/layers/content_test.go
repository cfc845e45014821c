package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"

	"gantry/internal/testenv"
	"gantry/store"
	"gantry/store/layer"
)

func readText(t *testing.T, x *Index, layer int, path string) string {
	t.Helper()
	f, err := x.Open(t.Context(), layer, path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// content is an image to read from: files in two layers, links between them.
func content() [][]entry {
	return [][]entry{
		{dir("etc"), file("etc/passwd", 20), file("etc/shadow", 24), symlink("link", "/etc/passwd"), hardlink("etc/hard", "etc/passwd"),
			xattr(mode(file("su", 8), 0o4755), "user.note", "hi")},
		{file("etc/passwd", 15), hardlink("below", "etc/shadow"), file("etc/.wh.shadow", 0)},
	}
}

// checkContent is what every kind of source must pass.
func checkContent(t *testing.T, x *Index) {
	for _, c := range []struct {
		layer      int
		path, want string
	}{
		{0, "etc/passwd", "0etc/passwd\n0etc/pas"}, {1, "etc/passwd", "1etc/passwd\n1et"}, {1, "/etc/hard", "0etc/passwd\n0etc/pas"},
		{1, "below", "0etc/shadow\n0etc/shadow\n"}, {1, "su", "0su\n0su\n"},
	} {
		if got := readText(t, x, c.layer, c.path); got != c.want {
			t.Errorf("%s in layer %d = %q, want %q", c.path, c.layer, got, c.want)
		}
	}
	for _, path := range []string{"link", "etc", "nope", "../../etc/passwd"} {
		if _, err := x.Open(t.Context(), 0, path); !errors.Is(err, store.ErrInvalid) && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Open(%q) = %v", path, err)
		}
	}
	if _, err := x.Open(t.Context(), 1, "etc/shadow"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a removed file opens: %v", err)
	}
	var hits []string
	err := x.Grep(t.Context(), GrepOptions{Pattern: Pattern{Text: "passwd"}, To: 1}, func(h GrepHit) bool {
		hits = append(hits, h.Path+" "+h.Text)
		return true
	})
	if diff := cmp.Diff([]string{"etc/passwd 0etc/passwd", "etc/passwd 1etc/passwd"}, hits); diff != "" || err != nil {
		t.Error(diff, err)
	}
	dst := filepath.Join(t.TempDir(), "out")
	if err := x.Extract(t.Context(), 1, "", dst); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dst, "below")); string(got) != "0etc/shadow\n0etc/shadow\n" {
		t.Errorf("extracted %q", got)
	}
	if to, _ := os.Readlink(filepath.Join(dst, "link")); to != "/etc/passwd" {
		t.Errorf("link leads to %q", to)
	}
	if st, err := os.Stat(filepath.Join(dst, "su")); err != nil || st.Mode() != 0o755 {
		t.Errorf("su = %v, %v", st, err)
	}
	if err := x.Extract(t.Context(), 1, "su", dst); !errors.Is(err, store.ErrExists) {
		t.Errorf("extracting over something: %v", err)
	}
	var b bytes.Buffer
	if err := x.WriteTar(t.Context(), 1, "etc", &b); err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		names = append(names, h.Name)
	}
	if diff := cmp.Diff([]string{"etc/", "etc/hard", "etc/passwd"}, names); diff != "" {
		t.Error(diff)
	}
}

func tars(t testing.TB, layers [][]entry) [][]byte {
	var out [][]byte
	for i, entries := range layers {
		out = append(out, pack(t, string(rune('0'+i)), entries...))
	}
	return out
}

func TestContentOfAnArchive(t *testing.T) {
	x, err := Store{}.Open(t.Context(), archiveFile(t, image(tars(t, content())...)))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	checkContent(t, x)
	dst := filepath.Join(t.TempDir(), "layer.tar")
	if err := x.ExtractLayer(t.Context(), 1, dst); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dst); !bytes.Equal(got, tars(t, content())[1]) {
		t.Error("the layer's tar is not what the image has")
	}
	if err := x.ExtractLayer(t.Context(), 1, dst); !errors.Is(err, store.ErrExists) {
		t.Errorf("over a file: %v", err)
	}
}

func unpack(t testing.TB, ls *layer.Store, id digest.Digest, data []byte) {
	t.Helper()
	u, err := ls.Begin(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err = u.From(t.Context(), bytes.NewReader(data)); err == nil {
		_, err = u.Commit(t.Context())
	}
	if err := errors.Join(err, u.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestContentOfTheStore(t *testing.T) {
	testenv.NeedsRoot(t)
	root := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Root: root, Run: filepath.Join(root, "run")})
	if err != nil {
		t.Fatal(err)
	}
	ls, data := layer.Open(s), tars(t, content())
	src := image(data...)
	for i, id := range src.Config.RootFS.DiffIDs {
		unpack(t, ls, id, data[i])
	}
	x, err := Open(t.Context(), "stored", src, ls)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	// A link put in a file's place later leads nowhere.
	l, _ := ls.Get(src.Config.RootFS.DiffIDs[0])
	_ = os.Remove(filepath.Join(l.Dir, "su"))
	if err := os.Symlink("/etc/hostname", filepath.Join(l.Dir, "su")); err != nil {
		t.Fatal(err)
	}
	if got := readText(t, x, 0, "su"); got != "0su\n0su\n" {
		t.Errorf("su = %q", got)
	}
	if err := ls.Remove(t.Context(), src.Config.RootFS.DiffIDs[1]); err != nil {
		t.Fatal(err)
	}
	if y, err := Open(t.Context(), "without a layer", src, ls); err != nil || y.Len() != x.Len() {
		t.Errorf("the blob does not stand in for the layer: %v", err)
	}
}

func TestExtractionStaysInside(t *testing.T) {
	x := index(t, []entry{symlink("evil", ".."), file("../../up", 4), file("/abs", 4), symlink("d", "/tmp")},
		[]entry{file("evil2/x", 3)})
	parent := t.TempDir()
	if err := x.Extract(t.Context(), 1, "/", filepath.Join(parent, "out")); err != nil {
		t.Fatal(err)
	}
	names, _ := os.ReadDir(parent)
	if len(names) != 1 {
		t.Errorf("outside lie %v", names)
	}
	for _, name := range []string{"up", "abs", "evil2/x"} {
		if _, err := os.Lstat(filepath.Join(parent, "out", name)); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Extract(ctx, 1, "/", filepath.Join(parent, "cut")); !errors.Is(err, context.Canceled) || exists(filepath.Join(parent, "cut")) {
		t.Errorf("a cancelled extraction: %v", err)
	}
}

func TestPreview(t *testing.T) {
	var listing bytes.Buffer
	z := gzip.NewWriter(&listing)
	_, _ = z.Write(pack(t, "", file("inner\x1b", 3)))
	_ = z.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	elf, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]struct {
		data string
		form Form
		has  string
	}{
		"text":  {"a\x1b[31m\nb\tc\n", FormText, `a\x1b[31m`},
		"json":  {`{"a":[1]}`, FormJSON, `  "a": [`},
		"elf":   {string(elf[:64<<10]), FormELF, "EM_"},
		"tgz":   {listing.String(), FormArchive, `inner\x1b`},
		"bytes": {"\x00\x01\x02", FormBinary, "00 01 02"},
		"empty": {"", FormEmpty, ""},
		"space": {"  \n", FormText, ""},
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, f := range files {
		_ = w.WriteHeader(&tar.Header{Name: name, Size: int64(len(f.data)), Mode: 0o644})
		_, _ = io.WriteString(w, f.data)
	}
	_ = w.Close()
	x, err := Stream(t.Context(), "", image(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range files {
		p, err := x.Preview(t.Context(), 0, name, 0)
		if err != nil || p.Form != f.form || !strings.Contains(strings.Join(p.Lines, "\n"), f.has) {
			t.Errorf("%s: %s %.200q, %v", name, p.Form, p.Lines, err)
		}
	}
	if p, err := x.Preview(t.Context(), 0, "text", 3); err != nil || !p.Cut {
		t.Errorf("the head of a file: %+v, %v", p, err)
	}
}

func TestGrepStops(t *testing.T) {
	x := index(t, []entry{file("a", 5000), file("b", 5000)})
	n := 0
	err := x.Grep(t.Context(), GrepOptions{Pattern: Pattern{Text: "^0a$", Match: Regexp}}, func(GrepHit) bool { n++; return n < 3 })
	if n != 3 || err != nil {
		t.Errorf("%d hits, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = x.Grep(ctx, GrepOptions{Pattern: Pattern{Text: "0"}}, func(h GrepHit) bool { cancel(); return true })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := x.Grep(t.Context(), GrepOptions{}, nil); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("without a pattern: %v", err)
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		file string
		want string // outcomes for efficiency 0.5, 4 bytes wasted, all of 4
		bad  bool
	}{
		{file: "", want: "fail skip fail skip"},
		{file: "rules:\n", want: "fail skip fail skip"},
		{file: "rules:\n  lowestEfficiency: 0.5\n  highestWastedBytes: 4\n  highestUserWastedPercent: 1\n", want: "pass pass pass skip"},
		{file: "rules:\n  lowestEfficiency: '0.51'\n  highestWastedBytes: 3B\n  highestUserWastedPercent: disabled\n", want: "fail fail skip skip"},
		{file: "rules:\n  lowestefficiency: disabled\n  highestWastedBytes: 20MB\n  highestReclaimableBytes: 0\n", want: "skip pass fail fail"},
		{file: "rules:\n  lowestEfficiency: 2\n", bad: true},
		{file: "rules:\n  highestWastedBytes: lots\n", bad: true},
		{file: "rules:\n  lowestEficiency: 0.9\n", bad: true},
		{file: "rules: [1]\n", bad: true},
		{file: "\tno yaml", bad: true},
	} {
		r, err := ParseRules(strings.NewReader(c.file), DefaultRules())
		if (err != nil) != c.bad || c.bad && !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q: %v", c.file, err)
		}
		if c.bad {
			continue
		}
		var got []string
		for _, result := range (Stats{Reclaimable: 4, Dive: DiveStats{Efficiency: 0.5, WastedBytes: 4, UserWastedPercent: 1}}).Check(r) {
			got = append(got, string(result.Outcome))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, want %s", c.file, got, c.want)
		}
	}
}

func TestDamageIsNamed(t *testing.T) {
	src := image(pack(t, "", file("a", 3)))
	other := pack(t, "", file("b", 3))
	src.Blob = func(context.Context, int) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(other)), nil }
	if _, err := Stream(t.Context(), "", src); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a layer with another content: %v", err)
	}
	for _, at := range []string{"oci:/nowhere", "docker-archive:/etc/hostname", "/etc/hostname", "oci:" + t.TempDir()} {
		if _, err := (Store{}).Open(t.Context(), at); err == nil {
			t.Errorf("%s opens", at)
		}
	}
}

func TestInstruction(t *testing.T) {
	for by, want := range map[string]string{
		"RUN /bin/sh -c apt-get update # buildkit": "RUN apt-get update",
		"RUN |1 V=2 /bin/sh -c make $V # buildkit": "RUN make $V",
		`/bin/sh -c #(nop)  CMD ["sh"]`:            `CMD ["sh"]`,
		"/bin/sh -c touch x":                       "RUN touch x",
		"COPY a b # buildkit":                      "COPY a b",
	} {
		if got := instruction(by); got != want {
			t.Errorf("%q reads %q, want %q", by, got, want)
		}
	}
}
