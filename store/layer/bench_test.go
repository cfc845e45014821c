package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/internal/testenv"
)

// bigTar is about total bytes in files files, like a distribution's: most files
// small, a few large.
func bigTar(tb testing.TB, files int, total int64) []byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	var buf bytes.Buffer
	buf.Grow(int(total) + files*1536)
	w := tar.NewWriter(&buf)
	noise := make([]byte, 8<<20)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	put := func(hdr *tar.Header, data []byte) {
		if err := w.WriteHeader(hdr); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			tb.Fatal(err)
		}
	}
	mean := int(total) / files
	for i := range files {
		if i%16 == 0 {
			put(&tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprintf("usr/lib/d%04d/", i/16), Mode: 0o755}, nil)
		}
		size := rnd.IntN(mean / 2)
		if i%10 == 0 {
			size = 7*mean + rnd.IntN(mean)
		}
		name := fmt.Sprintf("usr/lib/d%04d/file-%06d.so", i/16, i)
		put(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(size)}, noise[i:i+size])
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// cpu is the processor time this process has used, in seconds.
func cpu(tb testing.TB) float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func BenchmarkUnpack(b *testing.B) {
	testenv.NeedsRoot(b)
	data := bigTar(b, 14_000, 578e6)
	id := digest.FromBytes(data)
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "gantry-bench-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s := Open(rootIn(b, dir))
	ctx := context.Background()
	if path := os.Getenv("GANTRY_BENCH_TAR"); path != "" {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(data)))
	var used float64
	for b.Loop() {
		u, err := s.Begin(ctx, id)
		if err != nil {
			b.Fatal(err)
		}
		before := cpu(b)
		if err := u.From(ctx, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
		used += cpu(b) - before
		b.StopTimer()
		if err := u.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(used/float64(b.N), "cpu-s/op")
}
