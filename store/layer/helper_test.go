package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/opencontainers/go-digest"

	"gantry/internal/flock"
	"gantry/internal/testenv"
)

// testRoot is a root in a temporary directory, with a boot id to change.
type testRoot struct {
	dir, boot string
	readOnly  error
}

func (r *testRoot) Path(elem ...string) string {
	return filepath.Join(append([]string{r.dir}, elem...)...)
}
func (r *testRoot) Tmp() string     { return r.Path("tmp") }
func (r *testRoot) BootID() string  { return r.boot }
func (r *testRoot) Writable() error { return r.readOnly }
func (r *testRoot) Lock(ctx context.Context, kind, key string) (*flock.Lock, error) {
	return flock.Acquire(ctx, r.Path("locks", kind+"-"+key), flock.Exclusive)
}

// newTestRoot is on the file system of t.TempDir.
func newTestRoot(t testing.TB) *testRoot {
	t.Helper()
	testenv.NeedsRoot(t)
	return rootIn(t, t.TempDir())
}

func rootIn(t testing.TB, dir string) *testRoot {
	t.Helper()
	r := &testRoot{dir: dir, boot: "boot-1"}
	for _, sub := range []string{"layers", "tmp", "locks"} {
		if err := os.MkdirAll(r.Path(sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// An item is an entry of a test's tar.
type item struct {
	tar.Header
	content string
}

func file(name, content string, mode int64) item {
	return item{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}, content}
}

func dir(name string, mode int64) item {
	return item{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}, ""}
}

func symlink(target, name string) item {
	return item{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, ""}
}

func link(target, name string) item {
	return item{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644}, ""}
}

func (i item) owned(uid, gid int) item { i.Uid, i.Gid = uid, gid; return i }

func (i item) xattr(key, value string) item {
	i.PAXRecords = map[string]string{paxXattr + key: value}
	return i
}

// tarOf writes a tar with the names as they are, however hostile.
func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, i := range items {
		writeRaw(t, &buf, i)
	}
	buf.Write(make([]byte, 1024))
	return buf.Bytes()
}

// writeRaw writes one entry. archive/tar's writer refuses some names and adds a
// slash to directories, so the header is made under another name and patched.
func writeRaw(t testing.TB, w io.Writer, i item) {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	hdr := i.Header
	const stand = "a-stand-in"
	short := len(hdr.Name) <= 100 && len(hdr.Linkname) <= 100 && hdr.PAXRecords == nil && hdr.ModTime.Nanosecond() == 0
	if short {
		hdr.Name = stand
		if hdr.Typeflag == tar.TypeDir {
			hdr.Name += "/"
		}
	}
	if err := tw.WriteHeader(&hdr); err != nil {
		t.Fatalf("header of %q: %v", i.Name, err)
	}
	if _, err := io.WriteString(tw, i.content); err != nil {
		t.Fatal(err)
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	raw := buf.Bytes()
	if short {
		clear(raw[:100])
		copy(raw, i.Name)
		checksum(raw[:512])
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
}

func checksum(hdr []byte) {
	copy(hdr[148:156], "        ")
	sum := 0
	for _, b := range hdr {
		sum += int(b)
	}
	for i := range 6 {
		hdr[148+5-i] = '0' + byte(sum>>(3*i)&7)
	}
	hdr[154] = 0
}

// unpack makes a layer of data, or returns the error.
func unpack(s *Store, data []byte) (Layer, error) {
	ctx := context.Background()
	u, err := s.Begin(ctx, digest.FromBytes(data))
	if err != nil {
		return Layer{}, err
	}
	defer u.Close()
	if u.Existing() {
		return u.Commit(ctx)
	}
	if err := u.From(ctx, bytes.NewReader(data)); err != nil {
		return Layer{}, err
	}
	return u.Commit(ctx)
}

func mustUnpack(t testing.TB, s *Store, items ...item) Layer {
	t.Helper()
	l, err := unpack(s, tarOf(t, items...))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// entries reads an index into a map.
func entries(t testing.TB, s *Store, id digest.Digest) map[string]Entry {
	t.Helper()
	x, err := s.Index(id)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]Entry)
	for e, err := range x.All() {
		if err != nil {
			t.Fatal(err)
		}
		out[e.Path] = e
	}
	if len(out) != x.Len() {
		t.Fatalf("the index has %d names in %d entries", len(out), x.Len())
	}
	return out
}

// sparseTar is a tar with one sparse file in the format PAX 1.0, which
// archive/tar reads but does not write.
func sparseTar(t testing.TB, hdr tar.Header, body string, realSize int) []byte {
	t.Helper()
	var pax string
	for _, kv := range [][2]string{{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"},
		{"GNU.sparse.name", "f"}, {"GNU.sparse.realsize", strconv.Itoa(realSize)}} {
		record := " " + kv[0] + "=" + kv[1] + "\n"
		n := len(record) + 2
		if n >= 100 {
			n++
		}
		pax += strconv.Itoa(n) + record
	}
	var buf bytes.Buffer
	writeRaw(t, &buf, item{tar.Header{Typeflag: tar.TypeReg, Name: "pax", Size: int64(len(pax))}, pax})
	buf.Bytes()[156] = tar.TypeXHeader
	checksum(buf.Bytes()[:512])
	writeRaw(t, &buf, item{hdr, body})
	buf.Write(make([]byte, 1024))
	return buf.Bytes()
}
