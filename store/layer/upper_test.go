package layer

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTarOfAnOverlayUpper changes things in a real overlay mount, packs its
// upper directory and stacks the result on the same layer again.
func TestTarOfAnOverlayUpper(t *testing.T) {
	s := Open(newTestRoot(t))
	base := mustUnpack(t, s, dir("d/", 0o750), file("d/a", "a", 0o644), file("d/b", "b", 0o644), dir("e/", 0o755),
		file("e/f", "f", 0o644), file("g", "g", 0o644))
	work := t.TempDir()
	target, upper := filepath.Join(work, "t"), filepath.Join(work, "u")
	for _, name := range []string{"t", "u", "w"} {
		if err := os.Mkdir(filepath.Join(work, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	opts := "lowerdir=" + base.Dir + ",upperdir=" + upper + ",workdir=" + filepath.Join(work, "w")
	if err := unix.Mount("overlay", target, "overlay", 0, opts); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(target, name) }
	err := errors.Join(
		os.Remove(in("d/a")), os.WriteFile(in("d/b"), []byte("new b"), 0o644), os.RemoveAll(in("e")), os.Mkdir(in("e"), 0o700),
		os.WriteFile(in("e/n"), []byte("n"), 0o600), os.Link(in("e/n"), in("e/m")), os.Symlink("n", in("e/s")), os.Remove(in("g")),
	)
	if err := errors.Join(err, unix.Unmount(target, 0)); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := Tar(context.Background(), upper, &buf); err != nil {
		t.Fatal(err)
	}
	top, err := unpack(s, buf.Bytes())
	if err != nil || !top.SelfContained {
		t.Fatalf("unpacking = %+v, %v, want a self-contained layer", top, err)
	}
	m := mount(t, s, base.DiffID, top.DiffID)
	m.is("d/b", "new b")
	m.is("e/s", "n")
	m.same("e/n", "e/m")
	m.looks("d", "40750 0:0")
	m.looks("e", "40700 0:0")
	m.gone("d/a", "e/f", "g")
}
