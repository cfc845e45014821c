package overlay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/internal/testenv"
	"gantry/store"
)

// private runs test on a thread with a mount namespace of its own, which ends
// with the thread: no mount is left behind, whatever happens.
func private(t *testing.T, test func()) {
	t.Helper()
	testenv.NeedsRoot(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with us
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			defer func() { done <- nil }()
			test()
			return
		}
		done <- err
	}()
	if err := <-done; err != nil {
		testenv.Missing(t, "cannot make a mount namespace: "+err.Error())
	}
}

// stack makes n layers; layer i has the files "all" with its number, and
// "only<i>". The top one is the first and the last number.
func stack(t *testing.T, dir string, n int) (lowers []string) {
	t.Helper()
	for i := range n {
		layer := filepath.Join(dir, fmt.Sprintf("layer-%d", i))
		write(t, filepath.Join(layer, "all"), fmt.Sprint(i))
		write(t, filepath.Join(layer, fmt.Sprintf("only%d", i)), "x")
		lowers = append([]string{layer}, lowers...)
	}
	return lowers
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Error(err)
	}
}

func mkdirs(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// deep makes a directory whose path is longer than fsconfig takes.
func deep(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d,:\\"+strings.Repeat("e", 96)+"/", 3))
	mkdirs(t, dir)
	return dir
}

func TestMount(t *testing.T) {
	mounts := map[string]func(l layers, target string) error{
		"new": layers.mountNew,
		"old": layers.mountOld,
	}
	tests := []struct {
		name     string
		layers   int
		deep     bool
		readOnly bool
	}{
		{"one layer", 1, false, false},
		{"three layers", 3, false, false},
		{"150 layers", 150, false, false},
		{"130 layers with long odd paths", 130, true, false},
		{"read-only view", 3, false, true},
	}
	for _, tt := range tests {
		for api, mount := range mounts {
			t.Run(tt.name+" "+api, func(t *testing.T) {
				dir := t.TempDir()
				if tt.deep {
					dir = deep(t)
				}
				l := layers{lowers: stack(t, dir, tt.layers)}
				if !tt.readOnly {
					l.upper, l.work = filepath.Join(dir, "upper"), filepath.Join(dir, "work")
					mkdirs(t, l.upper, l.work)
				}
				target := filepath.Join(t.TempDir(), "merged")
				mkdirs(t, target)
				private(t, func() {
					if err := mount(l, target); err != nil {
						if errors.Is(err, errNoNewAPI) {
							t.Log(err)
							return
						}
						t.Error(err)
						return
					}
					inspect(t, target, tt.layers, l.upper)
					if err := Unmount(target); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// inspect checks the merged view, and that writing reaches the upper alone.
func inspect(t *testing.T, target string, n int, upper string) {
	got, err := os.ReadFile(filepath.Join(target, "all"))
	if want := fmt.Sprint(n - 1); string(got) != want {
		t.Errorf("the top layer is %q, %v, want %s", got, err, want)
	}
	for i := range n {
		if _, err := os.Stat(filepath.Join(target, fmt.Sprintf("only%d", i))); err != nil {
			t.Error(err)
		}
	}
	err = os.WriteFile(filepath.Join(target, "new"), nil, 0o644)
	if upper == "" {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("writing to a view = %v, want EROFS", err)
		}
		return
	}
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(upper, "new")); err != nil {
		t.Errorf("the upper directory lacks what was written: %v", err)
	}
}

func TestXattrsOfLayersAreVisible(t *testing.T) {
	dir := t.TempDir()
	lowers := stack(t, dir, 2)
	upper, work, target := filepath.Join(dir, "upper"), filepath.Join(dir, "work"), filepath.Join(dir, "merged")
	mkdirs(t, upper, work, target)
	private(t, func() {
		if err := unix.Setxattr(filepath.Join(lowers[1], "only0"), "trusted.gantry", []byte("v"), 0); err != nil {
			t.Error(err)
			return
		}
		if err := Mount(target, lowers, upper, work, Options{Volatile: true}); err != nil {
			t.Error(err)
			return
		}
		defer Unmount(target)
		buf := make([]byte, 8)
		n, err := unix.Getxattr(filepath.Join(target, "only0"), "trusted.gantry", buf)
		if err != nil || string(buf[:n]) != "v" {
			t.Errorf("Getxattr = %q, %v, want v", buf[:max(n, 0)], err)
		}
	})
}

func TestViewOfOneLayer(t *testing.T) {
	dir := t.TempDir()
	lowers := stack(t, dir, 1)
	target := filepath.Join(dir, "merged")
	mkdirs(t, target)
	private(t, func() {
		if err := Mount(target, lowers, "", "", Options{}); err != nil {
			t.Error(err)
			return
		}
		inspect(t, target, 1, "")
		for range 2 {
			if err := Unmount(target); err != nil {
				t.Errorf("Unmount = %v", err)
			}
		}
		if _, err := os.Stat(filepath.Join(target, "all")); err == nil {
			t.Error("the view is still there")
		}
	})
}

// A layer's own marks must not make overlay look elsewhere.
func TestRedirectsInLayersAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	lowers := stack(t, dir, 2)
	write(t, filepath.Join(lowers[1], "secret", "f"), "x")
	mkdirs(t, filepath.Join(lowers[0], "trap"), filepath.Join(dir, "merged"))
	target := filepath.Join(dir, "merged")
	private(t, func() {
		if err := unix.Setxattr(filepath.Join(lowers[0], "trap"), "trusted.overlay.redirect", []byte("/secret"), 0); err != nil {
			t.Error(err)
			return
		}
		if err := Mount(target, lowers, "", "", Options{}); err != nil {
			t.Error(err)
			return
		}
		defer Unmount(target)
		if entries, err := os.ReadDir(filepath.Join(target, "trap")); len(entries) > 0 {
			t.Errorf("the redirect was followed: %v, %v", entries, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name        string
		lowers      []string
		upper, work string
	}{
		{"no layer", nil, "/u", "/w"},
		{"too many layers", make([]string, 501), "/u", "/w"},
		{"no work directory", []string{"/l"}, "/u", ""},
		{"no upper directory", []string{"/l"}, "", "/w"},
	}
	for _, tt := range tests {
		if err := Mount("/none", tt.lowers, tt.upper, tt.work, Options{}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: Mount = %v, want ErrInvalid", tt.name, err)
		}
	}
	private(t, func() {
		dir := t.TempDir()
		err := Mount(dir, []string{"/nonexistent/a", "/nonexistent/b"}, "", "", Options{})
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nonexistent/a") {
			t.Errorf("Mount of missing layers = %v, want ErrNotExist that names one", err)
		}
	})
	if err := Unmount(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("Unmount of nothing = %v", err)
	}
}
