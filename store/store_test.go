package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T) *Store {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(context.Background(), Options{Root: filepath.Join(dir, "root"), Run: filepath.Join(dir, "run")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tree maps every path below dir to its mode and content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		var data []byte
		if fi.Mode().IsRegular() {
			data, err = os.ReadFile(path)
		}
		found[path] = fi.Mode().String() + " " + fi.ModTime().String() + " " + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOpenMakesPrivateDirsWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		old := syscall.Umask(0)
		dir := t.TempDir()
		syscall.Umask(umask)
		s, err := Open(context.Background(), Options{Root: dir + "/a/root", Run: dir + "/a/run"})
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %o: %v", umask, err)
		}
		for _, base := range []string{s.Root(), s.Run()} {
			for path, is := range tree(t, base) {
				if !strings.HasPrefix(is, "drwx------") && !strings.HasPrefix(is, "-rw-------") {
					t.Errorf("umask %o: %s is %.10s", umask, path, is)
				}
			}
		}
	}
}

func TestOpenAgain(t *testing.T) {
	s := open(t)
	if err := os.Chmod(s.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(s.Run()); err != nil { // as a reboot does
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Options{Root: s.Root(), Run: s.Run()}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.RunPath("intents")); err != nil {
		t.Error(err)
	}
	if fi, err := os.Stat(s.Root()); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("root is %v, %v, want mode 0700", fi.Mode(), err)
	}
}

func TestOpenIsCheap(t *testing.T) {
	s := open(t)
	before := runtime.NumGoroutine()
	best := time.Hour
	for range 20 {
		start := time.Now()
		if _, err := Open(context.Background(), Options{Root: s.Root(), Run: s.Run()}); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	if best > time.Millisecond {
		t.Errorf("Open took %v, want < 1 ms", best)
	}
	if n := runtime.NumGoroutine(); n != before {
		t.Errorf("Open left %d goroutines, want %d", n, before)
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                error
	}{
		{"foreign content", "notes.txt", "mine", ErrInvalid},
		{"empty version", "version", "", ErrDamaged},
		{"NUL version", "version", "\x00\x00", ErrDamaged},
		{"version zero", "version", "0", ErrDamaged},
		{"words", "version", "one", ErrDamaged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.WriteFile(filepath.Join(root, tt.file), []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			before := tree(t, root)
			_, err := Open(context.Background(), Options{Root: root, Run: t.TempDir()})
			if !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(before, tree(t, root)); diff != "" {
				t.Errorf("Open changed the directory:\n%s", diff)
			}
		})
	}
	if _, err := Open(context.Background(), Options{Root: "relative", Run: "/run"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("Open of a relative path = %v, want ErrInvalid", err)
	}
}

func TestNewerStoreIsReadOnly(t *testing.T) {
	s := open(t)
	if err := os.WriteFile(s.Path("version"), []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, run := tree(t, s.Root()), tree(t, s.Run())
	ctx := context.Background()
	s, err := Open(ctx, Options{Root: s.Root(), Run: s.Run()})
	if err != nil || !s.ReadOnly() {
		t.Fatalf("Open = %v, ReadOnly %v, want true", err, s.ReadOnly())
	}
	_, use := s.Use(ctx)
	_, exclusive := s.Exclusive(ctx)
	_, lock := s.Lock(ctx, Containers, "a")
	_, tryLock := s.TryLock(Containers, "a")
	for name, err := range map[string]error{
		"Use": use, "Exclusive": exclusive, "Lock": lock, "TryLock": tryLock,
		"Intent.Write": s.Intent("a").Write(IntentRecord{}), "SweepTemp": s.SweepTemp(ctx), "Writable": s.Writable(),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s = %v, want ErrReadOnly", name, err)
			continue
		}
		if got, want := err.Error(), "store v7 was made by a newer Gantry; this one reads v≤1"; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	s.Changed(Containers)
	if diff := cmp.Diff(root, tree(t, s.Root())); diff != "" {
		t.Errorf("root changed:\n%s", diff)
	}
	if diff := cmp.Diff(run, tree(t, s.Run())); diff != "" {
		t.Errorf("run changed:\n%s", diff)
	}
}

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", "9", "a_b.c-d", strings.Repeat("f", 64)} {
		if err := CheckID(id); err != nil {
			t.Errorf("CheckID(%q) = %v, want nil", id, err)
		}
	}
	for _, id := range []string{"", ".", "..", "../x", "a/b", "-x", "_x", "a b", "a\x00", "é", "a:b", strings.Repeat("a", 201)} {
		if err := CheckID(id); !errors.Is(err, ErrInvalid) {
			t.Errorf("CheckID(%q) = %v, want ErrInvalid", id, err)
		}
	}
}

func TestBootID(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Skip(err)
	}
	if got := open(t).BootID(); got != strings.TrimSpace(string(want)) {
		t.Errorf("BootID = %q, want %q", got, want)
	}
}

func TestIntents(t *testing.T) {
	s := open(t)
	if _, err := s.Intent("a").Read(); !errors.Is(err, ErrNotFound) {
		t.Errorf("Read of none = %v, want ErrNotFound", err)
	}
	want := IntentRecord{ID: "a", CgroupPaths: []string{"/x"}, Veths: []string{"v"}, NetNS: "/n"}
	if err := s.Intent("a").Write(want); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.RunPath("intents", "b.json"), []byte("\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := s.Intents()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]IntentRecord{want, {ID: "b"}}, got); diff != "" {
		t.Errorf("Intents (-want +got):\n%s", diff)
	}
	for range 2 {
		if err := s.Intent("a").Remove(); err != nil {
			t.Errorf("Remove = %v", err)
		}
	}
	if err := s.Intent("../a").Write(want); !errors.Is(err, ErrInvalid) {
		t.Errorf("Write(../a) = %v, want ErrInvalid", err)
	}
}
