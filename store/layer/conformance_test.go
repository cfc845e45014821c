package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/store"
)

func special(typ byte, name string, major, minor int64) item {
	return item{tar.Header{Typeflag: typ, Name: name, Mode: 0o640, Devmajor: major, Devminor: minor}, ""}
}

// capability is a version 2 security.capability with cap_net_raw+ep.
const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// lstat is a file of a layer in one line: mode, owner, device.
func lstat(t *testing.T, l Layer, name string) string {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Join(l.Dir, name), &st); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%o %d:%d %d,%d", st.Mode, st.Uid, st.Gid, unix.Major(st.Rdev), unix.Minor(st.Rdev))
}

func getxattr(t *testing.T, l Layer, name, key string) string {
	t.Helper()
	value, _, err := readXattr(filepath.Join(l.Dir, name), key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestConformance(t *testing.T) {
	stamp := time.Unix(1_600_000_000, 123456789)
	timed := func(i item) item { i.ModTime, i.Format = stamp, tar.FormatPAX; return i }
	tests := []struct {
		name  string
		items []item
		want  map[string]string // lstat by name
	}{
		{"setuid after owner", []item{file("su", "x", 0o4755).owned(7, 8), file("sg", "x", 0o2711).owned(7, 8)},
			map[string]string{"su": "104755 7:8 0,0", "sg": "102711 7:8 0,0"}},
		{"setgid and sticky directories", []item{dir("d/", 0o2775).owned(3, 4), file("d/f", "x", 0o600), dir("t/", 0o1777)},
			map[string]string{"d": "42775 3:4 0,0", "d/f": "100600 0:0 0,0", "t": "41777 0:0 0,0"}},
		{"device", []item{special(tar.TypeChar, "null", 1, 3), special(tar.TypeBlock, "sda", 8, 0)},
			map[string]string{"null": "20640 0:0 1,3", "sda": "60640 0:0 8,0"}},
		{"fifo", []item{special(tar.TypeFifo, "p", 0, 0).owned(1, 2)}, map[string]string{"p": "10640 1:2 0,0"}},
		{"symlink owner", []item{symlink("nowhere", "s").owned(5, 6)}, map[string]string{"s": "120777 5:6 0,0"}},
		{"whiteout", []item{dir("d/", 0o755), file("d/.wh.x", "", 0o644)}, map[string]string{"d/x": "20000 0:0 0,0"}},
		{"AUFS leftovers", []item{file(".wh..wh.aufs", "", 0o644), dir(".wh..wh.plnk/", 0o700), file(".wh..wh.plnk/1.2", "x", 0o644),
			file("d/.wh..wh.orph", "", 0o644)}, map[string]string{".wh..wh.aufs": "no such file or directory",
			".wh..wh.plnk": "no such file or directory", "d": "no such file or directory"}},
		{"missing parents", []item{file("a/b/c", "x", 0o600)},
			map[string]string{"a": "40755 0:0 0,0", "a/b": "40755 0:0 0,0", "a/b/c": "100600 0:0 0,0"}},
		{"parent named later", []item{file("a/c", "x", 0o600), dir("a/", 0o700).owned(1, 1)}, map[string]string{"a": "40700 1:1 0,0"}},
		{"absolute name", []item{file("/f", "x", 0o600)}, map[string]string{"f": "100600 0:0 0,0"}},
		{"dotted names", []item{dir("./", 0o711), dir("./a/", 0o700), file("././a/./f", "x", 0o600), file(".hidden", "x", 0o600)},
			map[string]string{"": "40711 0:0 0,0", "a/f": "100600 0:0 0,0", ".hidden": "100600 0:0 0,0"}},
		{"file becomes directory", []item{file("x", "x", 0o600), dir("x/", 0o700), file("x/y", "x", 0o600)},
			map[string]string{"x": "40700 0:0 0,0", "x/y": "100600 0:0 0,0"}},
		{"directory becomes file", []item{dir("x/", 0o700), dir("x/z", 0o700), file("x/z/y", "x", 0o600), file("x", "x", 0o600)},
			map[string]string{"x": "100600 0:0 0,0"}},
		{"directory becomes symlink", []item{dir("x/", 0o700), file("x/y", "x", 0o600), symlink("y", "x")},
			map[string]string{"x": "120777 0:0 0,0"}},
		{"duplicate file", []item{file("x", "first", 0o600), file("x", "second", 0o644)}, map[string]string{"x": "100644 0:0 0,0"}},
		{"duplicate directory", []item{dir("x/", 0o700), file("x/y", "x", 0o600), dir("x/", 0o711)},
			map[string]string{"x": "40711 0:0 0,0", "x/y": "100600 0:0 0,0"}},
		{"global header", []item{{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c"}}, ""},
			file("x", "x", 0o600)}, map[string]string{"pax_global_header": "no such file or directory", "x": "100600 0:0 0,0"}},
		{"times", []item{timed(dir("d/", 0o755)), timed(file("d/f", "x", 0o644)), timed(symlink("f", "d/s"))},
			map[string]string{"d/f": "100644 0:0 0,0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Open(newTestRoot(t))
			l := mustUnpack(t, s, tt.items...)
			got := make(map[string]string)
			for name := range tt.want {
				got[name] = lstat(t, l, name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			verifies(t, s, l)
			if tt.name != "times" {
				return
			}
			for _, name := range []string{"d", "d/f", "d/s"} {
				fi, err := os.Lstat(filepath.Join(l.Dir, name))
				if err != nil || !fi.ModTime().Equal(stamp) {
					t.Errorf("%s: time %v, %v, want %v", name, fi.ModTime(), err, stamp)
				}
			}
		})
	}
}

// verifies checks a fresh layer against its own index.
func verifies(t *testing.T, s *Store, l Layer) {
	t.Helper()
	h, err := s.open(l.DiffID.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	if err := h.verify(context.Background()); err != nil {
		t.Errorf("a fresh layer does not verify: %v", err)
	}
}

func TestXattrs(t *testing.T) {
	s := Open(newTestRoot(t))
	l := mustUnpack(t, s,
		file("ping", "x", 0o4755).owned(7, 7).xattr("security.capability", capability),
		file("user", "x", 0o644).xattr("user.note", "kept"),
		file("selinux", "x", 0o644).xattr("security.selinux", "u:r:t:s0\x00"),
		dir("o/", 0o755).xattr("trusted.overlay.opaque", "y"),
		dir("r/", 0o755).xattr("trusted.overlay.redirect", "/etc"),
		file("m", "x", 0o644).xattr("trusted.overlay.metacopy", ""),
		file("u", "x", 0o644).xattr("user.overlay.metacopy", "x"),
		dir("q/", 0o755), file("q/.wh..wh..opq", "", 0o644),
	)
	for _, tt := range []struct{ name, key, want string }{
		{"ping", "security.capability", capability},
		{"user", "user.note", "kept"},
		{"o", opaqueXattr, ""},
		{"r", "trusted.overlay.redirect", ""},
		{"m", "trusted.overlay.metacopy", ""},
		{"u", "user.overlay.metacopy", ""},
		{"q", opaqueXattr, "y"},
	} {
		if got := getxattr(t, l, tt.name, tt.key); got != tt.want {
			t.Errorf("%s of %s = %q, want %q", tt.key, tt.name, got, tt.want)
		}
	}
	if got := lstat(t, l, "ping"); got != "104755 7:7 0,0" {
		t.Errorf("ping is %s", got)
	}
	verifies(t, s, l)
}

func TestHardLinksShareAFileAndItsIndexEntry(t *testing.T) {
	s := Open(newTestRoot(t))
	l := mustUnpack(t, s, file("a", "first", 0o644), link("a", "b"), link("b", "c"), file("a", "second!", 0o600),
		symlink("a", "s"), link("s", "t"))
	got := entries(t, s, l.DiffID)
	if b, c := got["b"], got["c"]; b.Type != tar.TypeReg || b.Size != 5 || c.Type != tar.TypeLink || c.Link != "b" {
		t.Errorf("b, c = %+v, %+v, want a file of 5 bytes and a link to it", b, c)
	}
	if b := got["b"]; b.Digest != digest.FromString("first") || got["a"].Digest != digest.FromString("second!") {
		t.Errorf("digests are %s, %s", b.Digest, got["a"].Digest)
	}
	if l.Files != 2 || l.Size != 12 || !l.SelfContained {
		t.Errorf("layer = %+v, want 2 files of 12 bytes, self-contained", l)
	}
	m := mount(t, s, l.DiffID)
	m.same("b", "c")
	m.same("s", "t")
	m.is("a", "second!")
	m.is("c", "first")
	verifies(t, s, l)
}

func TestSparse(t *testing.T) {
	// PAX 1.0: 1 MiB of hole, "end", as GNU tar -S writes it.
	s := Open(newTestRoot(t))
	const size = 1<<20 + 3
	body := "2\n1048576\n3\n1048579\n0\n"
	body += string(make([]byte, 512-len(body))) + "end"
	hdr := tar.Header{Typeflag: tar.TypeReg, Name: "GNUSparseFile.0/f", Mode: 0o644, Size: int64(len(body))}
	raw := sparseTar(t, hdr, body, size)
	l, err := unpack(s, raw)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Join(l.Dir, "f"), &st); err != nil || st.Size != size || st.Blocks > 64 {
		t.Errorf("size %d, blocks %d, %v, want %d and a hole", st.Size, st.Blocks, err, size)
	}
	e := entries(t, s, l.DiffID)["f"]
	if want := digest.FromString(string(make([]byte, 1<<20)) + "end"); e.Digest != want || e.Offset != -1 {
		t.Errorf("digest %s at %d, want %s at -1", e.Digest, e.Offset, want)
	}
	verifies(t, s, l)
	if _, err := unpack(s.WithLimits(Limits{Bytes: 1 << 20, Entries: 10}), append(raw, 0)); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("over the limit = %v, want ErrInvalid", err)
	}
}
