package layer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/store"
)

func setxattr(t *testing.T, path, key, value string) {
	t.Helper()
	if err := unix.Lsetxattr(path, key, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func TestGetTellsTornLayersAfterAPowerCut(t *testing.T) {
	items := []item{dir("d/", 0o755), file("d/f", "content", 0o4755).xattr("security.capability", capability),
		file("empty", "", 0o644), symlink("f", "d/s"), link("d/f", "d/g"), file("o/.wh..wh..opq", "", 0o644), file(".wh.w", "", 0o644)}
	tests := []struct {
		name string
		tear func(t *testing.T, l Layer) error
	}{
		{"truncated", func(_ *testing.T, l Layer) error { return os.Truncate(l.Dir+"/d/f", 0) }},
		{"zeros", func(_ *testing.T, l Layer) error { return os.WriteFile(l.Dir+"/d/f", make([]byte, 7), 0o755) }},
		{"file gone", func(_ *testing.T, l Layer) error { return os.Remove(l.Dir + "/empty") }},
		{"link gone", func(_ *testing.T, l Layer) error { return os.Remove(l.Dir + "/d/s") }},
		{"whiteout gone", func(_ *testing.T, l Layer) error { return os.Remove(l.Dir + "/w") }},
		{"mode", func(_ *testing.T, l Layer) error { return os.Chmod(l.Dir+"/d/f", 0o755) }},
		{"capability", func(_ *testing.T, l Layer) error { return unix.Lremovexattr(l.Dir+"/d/f", "security.capability") }},
		{"opaque", func(_ *testing.T, l Layer) error { return unix.Lremovexattr(l.Dir+"/o", opaqueXattr) }},
		{"everything gone", func(_ *testing.T, l Layer) error { return os.RemoveAll(l.Dir) }},
		{"index", func(_ *testing.T, l Layer) error { return os.Truncate(filepath.Dir(l.Dir)+"/index", 40) }},
		{"no index", func(_ *testing.T, l Layer) error { return os.Remove(filepath.Dir(l.Dir) + "/index") }},
		{"record", func(_ *testing.T, l Layer) error { return os.Truncate(filepath.Dir(l.Dir)+"/meta.json", 0) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newTestRoot(t)
			s := Open(r)
			l := mustUnpack(t, s, items...)
			if err := tt.tear(t, l); err != nil {
				t.Fatal(err)
			}
			r.boot = "boot-2"
			_, err := s.Get(l.DiffID)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), l.DiffID.String()) {
				t.Fatalf("Get = %v, want ErrDamaged naming the layer", err)
			}
			if _, err := s.Lowers(context.Background(), []digest.Digest{l.DiffID}); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("Lowers = %v, want ErrDamaged", err)
			}
			mustUnpack(t, s, items...)
			if _, err := s.Get(l.DiffID); err != nil {
				t.Errorf("Get after unpacking again = %v", err)
			}
			verifies(t, s, l)
		})
	}
}

func TestWholeLayersAreMarkedOnce(t *testing.T) {
	ctx := context.Background()
	r := newTestRoot(t)
	s := Open(r)
	l, other := mustUnpack(t, s, file("f", "x", 0o644)), mustUnpack(t, s, file("g", "x", 0o644))
	if err := s.Sync(ctx, l.DiffID); err != nil {
		t.Fatal(err)
	}
	r.boot = "boot-2"
	if _, err := s.Get(other.DiffID); err != nil {
		t.Fatalf("Get of a whole layer in another boot = %v", err)
	}
	r.boot = "boot-3"
	for _, l := range []Layer{l, other} { // neither is read again
		if err := os.Truncate(l.Dir+"/"+map[bool]string{true: "f", false: "g"}[l.DiffID != other.DiffID], 0); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(l.DiffID); err != nil {
			t.Errorf("Get = %v, want no second look", err)
		}
	}
}

func TestVariantsOfAReplacedLayerGo(t *testing.T) {
	ctx := context.Background()
	r := newTestRoot(t)
	s := Open(r)
	base, top := []item{dir("d/", 0o700)}, []item{file("d/f", "x", 0o644)}
	b, l := mustUnpack(t, s, base...), mustUnpack(t, s, top...)
	ids := []digest.Digest{b.DiffID, l.DiffID}
	mount(t, s, ids...).is("d/f", "x")
	if err := os.Truncate(l.Dir+"/d/f", 0); err != nil {
		t.Fatal(err)
	}
	r.boot = "boot-2"
	if _, err := s.Lowers(ctx, ids); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("Lowers = %v, want ErrDamaged", err)
	}
	mustUnpack(t, s, top...)
	m := mount(t, s, ids...)
	m.is("d/f", "x")
	m.looks("d", "40700 0:0")
}

func TestCommitRefusesAnotherTar(t *testing.T) {
	ctx := context.Background()
	r := newTestRoot(t)
	s := Open(r)
	id := digest.FromString("something else")
	u, err := s.Begin(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.From(ctx, bytes.NewReader(tarOf(t, file("f", "x", 0o644)))); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(ctx); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Commit = %v, want ErrDamaged", err)
	}
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, s, id)
}

func nothingLeft(t *testing.T, s *Store, id digest.Digest) {
	t.Helper()
	if _, err := s.Get(id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get = %v, want ErrNotFound", err)
	}
	for _, dir := range []string{"tmp", "layers"} {
		if names, err := os.ReadDir(s.root.Path(dir)); err != nil || len(names) != 0 {
			t.Errorf("%s holds %v, %v, want nothing", dir, names, err)
		}
	}
}

func TestBadInputLeavesNothing(t *testing.T) {
	good := tarOf(t, dir("d/", 0o755), file("d/f", strings.Repeat("x", 3000), 0o644))
	broken := errors.New("the connection broke")
	tests := []struct {
		name string
		r    io.Reader
		want error
	}{
		{"cut in content", bytes.NewReader(good[:2000]), store.ErrInvalid},
		{"cut in a header", bytes.NewReader(good[:700]), store.ErrInvalid},
		{"not a tar", strings.NewReader(strings.Repeat("text", 1000)), store.ErrInvalid},
		{"reader fails", io.MultiReader(bytes.NewReader(good[:2000]), errReader{broken}), broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Open(newTestRoot(t))
			id := digest.FromBytes(good)
			u, err := s.Begin(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			if err := u.From(context.Background(), tt.r); !errors.Is(err, tt.want) {
				t.Errorf("From = %v, want %v", err, tt.want)
			}
			if err := u.From(context.Background(), bytes.NewReader(good)); err != nil {
				t.Errorf("From again = %v", err)
			}
			if err := u.Close(); err != nil {
				t.Error(err)
			}
			nothingLeft(t, s, id)
		})
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestLimits(t *testing.T) {
	r := newTestRoot(t)
	big, many := tarOf(t, file("f", strings.Repeat("x", 5000), 0o644)), tarOf(t, file("a/b/c/d/e/f", "", 0o644))
	for _, tt := range []struct {
		name   string
		limits Limits
		data   []byte
		want   error
	}{
		{"bytes", Limits{Bytes: 4999, Entries: 10}, big, store.ErrInvalid},
		{"entries", Limits{Bytes: 1 << 20, Entries: 5}, many, store.ErrInvalid},
		{"space", Limits{Bytes: 1 << 20, Entries: 10, FreePart: 1}, big, unix.ENOSPC},
		{"trailing bytes", Limits{Bytes: 1 << 20, Entries: 10}, append(tarOf(t), make([]byte, 1<<20)...), store.ErrInvalid},
		{"within", Limits{Bytes: 1 << 20, Entries: 10}, big, nil},
	} {
		if _, err := unpack(Open(r).WithLimits(tt.limits), tt.data); !errors.Is(err, tt.want) || err != nil && tt.want == nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestIdsAreCheckedBeforeAnyPath(t *testing.T) {
	s := Open(newTestRoot(t))
	for _, id := range []digest.Digest{"", "../x", "sha256:../../etc/passwd", "sha256:abc", "sha512:x",
		digest.Digest("sha512:" + strings.Repeat("a", 128))} {
		if _, err := s.Get(id); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Get(%q) = %v, want ErrInvalid", id, err)
		}
		if _, err := s.Begin(context.Background(), id); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Begin(%q) = %v, want ErrInvalid", id, err)
		}
	}
}

func TestTwoUnpackOneLayer(t *testing.T) {
	ctx := context.Background()
	s := Open(newTestRoot(t))
	data := tarOf(t, file("f", "x", 0o644))
	first, err := s.Begin(ctx, digest.FromBytes(data))
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	if _, err := s.Begin(short, digest.FromBytes(data)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Begin meanwhile = %v, want DeadlineExceeded", err)
	}
	var wg sync.WaitGroup
	var existing bool
	wg.Go(func() {
		u, err := s.Begin(ctx, digest.FromBytes(data))
		if err != nil {
			t.Error(err)
			return
		}
		existing = u.Existing()
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := first.From(ctx, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if !existing {
		t.Error("the second did not see the layer of the first")
	}
}

// TestKilledUnpackLeavesNothingVisible kills a child in the middle of From.
func TestKilledUnpackLeavesNothingVisible(t *testing.T) {
	data := tarOf(t, file("f", strings.Repeat("x", 2<<20), 0o644))
	id := digest.FromBytes(data)
	if root := os.Getenv("GANTRY_TEST_UNPACK"); root != "" {
		u, err := Open(rootIn(t, root)).Begin(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		_ = u.From(context.Background(), io.MultiReader(bytes.NewReader(data[:1<<20]), os.Stdin))
		return
	}
	r := newTestRoot(t)
	s := Open(r)
	child := exec.Command("/proc/self/exe", "-test.run=^TestKilledUnpackLeavesNothingVisible$")
	child.Env = append(os.Environ(), "GANTRY_TEST_UNPACK="+r.dir)
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(r.Tmp(), tmpPrefix+id.Encoded(), diffName, "f")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if fi, err := os.Stat(written); err == nil && fi.Size() > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the child never wrote")
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if _, err := s.Get(id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get = %v, want ErrNotFound", err)
	}
	if _, err := unpack(s, data); err != nil { // takes over what the child left
		t.Fatal(err)
	}
	if names, err := os.ReadDir(r.Tmp()); err != nil || len(names) != 0 {
		t.Errorf("tmp holds %v, %v, want nothing", names, err)
	}
}
