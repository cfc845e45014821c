package layer

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// mounted is the read-only overlay of a chain of layers, looked into as a
// container would: no path leads out of it.
type mounted struct {
	t  testing.TB
	fd int
}

// mount stacks layers, given bottom first.
func mount(t testing.TB, s *Store, ids ...digest.Digest) mounted {
	t.Helper()
	lowers, err := s.Lowers(context.Background(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return mountDirs(t, lowers)
}

func mountDirs(t testing.TB, lowers []string) mounted {
	t.Helper()
	target := t.TempDir()
	// A single lower needs another one beside it; the root comes from the top.
	opts := "lowerdir=" + strings.Join(append(lowers, t.TempDir()), ":")
	if err := unix.Mount("overlay", target, "overlay", unix.MS_RDONLY, opts); err != nil {
		t.Fatalf("mounting %s: %v", opts, err)
	}
	fd, err := unix.Open(target, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	t.Cleanup(func() {
		_ = unix.Close(fd)
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return mounted{t, fd}
}

func (m mounted) open(path string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(m.fd, path, &how)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// is checks a file's content; links on the way are followed.
func (m mounted) is(path, want string) {
	m.t.Helper()
	f, err := m.open(path, unix.O_RDONLY)
	if err != nil {
		m.t.Errorf("%s: %v, want content %q", path, err, want)
		return
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || string(got) != want {
		m.t.Errorf("%s = %q, %v, want %q", path, got, err, want)
	}
}

func (m mounted) stat(path string) unix.Stat_t {
	m.t.Helper()
	var st unix.Stat_t
	f, err := m.open(path, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		m.t.Errorf("%s: %v", path, err)
		return st
	}
	defer f.Close()
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		m.t.Error(err)
	}
	return st
}

// looks checks the type, mode and owner, as in "40755 0:0".
func (m mounted) looks(path, want string) {
	m.t.Helper()
	st := m.stat(path)
	if got := fmt.Sprintf("%o %d:%d", st.Mode, st.Uid, st.Gid); got != want {
		m.t.Errorf("%s is %s, want %s", path, got, want)
	}
}

func (m mounted) same(a, b string) {
	m.t.Helper()
	if x, y := m.stat(a), m.stat(b); x.Ino != y.Ino {
		m.t.Errorf("%s and %s are different files", a, b)
	}
}

func (m mounted) gone(paths ...string) {
	m.t.Helper()
	for _, path := range paths {
		if f, err := m.open(path, unix.O_PATH|unix.O_NOFOLLOW); err == nil {
			m.t.Errorf("%s is there", path)
			_ = f.Close()
		}
	}
}
