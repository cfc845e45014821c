package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/opencontainers/go-digest"
)

// FuzzFrom unpacks anything between victims. What is accepted has an index that
// can be read and agrees with the disk.
func FuzzFrom(f *testing.F) {
	f.Add(tarOf(f, dir("d/", 0o755), file("d/f", "x", 0o4755), link("d/f", "g"), symlink("../victim", "s"), file("s/h", "", 0o600)))
	f.Add(tarOf(f, file("d/.wh.x", "", 0o644), file("d/.wh..wh..opq", "", 0o644), special(tar.TypeFifo, "p", 0, 0)))
	f.Add(tarOf(f, file("f", "x", 0o644).xattr("user.a", "b")))
	r := newTestRoot(f)
	s := Open(r).WithLimits(Limits{Bytes: 1 << 20, Entries: 1000, FreePart: 100})
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := s.Begin(ctx, digest.FromBytes(data))
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		if u.Existing() || u.From(ctx, bytes.NewReader(data)) != nil {
			return
		}
		l, err := u.Commit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		verifies(t, s, l)
		if err := Tar(ctx, l.Dir, io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := u.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(ctx, l.DiffID); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzIndex decodes anything as an index.
func FuzzIndex(f *testing.F) {
	f.Add(uint32(1), []byte("\x00\x01a5\x00\x80\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, count uint32, data []byte) {
		x := Index{data: data, count: int(count)}
		for e, err := range x.All() {
			if err != nil {
				return
			}
			_ = e
		}
	})
}
