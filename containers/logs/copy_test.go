package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFollowSeesEverythingAcrossRotation(t *testing.T) {
	w, r, _ := openBoth(t, 4<<20)
	const lines = 20_000
	ready := make(chan struct{}, 1)
	var got bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Copy(t.Context(), Options{Follow: true, Tail: -1}, notify{&got, ready}, io.Discard); err != nil {
			t.Error(err)
		}
	})
	for i := range lines {
		put(t, w, Stdout, fmt.Sprintf("line %d\n", i))
		if i%2000 == 0 {
			<-ready // stay within the cap of the follower
		}
	}
	_ = w.Close()
	wg.Wait()
	if n := strings.Count(got.String(), "\n"); n != lines {
		t.Errorf("followed %d lines, want %d", n, lines)
	}
}

// notify tells of writes, without blocking.
type notify struct {
	io.Writer
	c chan struct{}
}

func (n notify) Write(p []byte) (int, error) {
	k, err := n.Writer.Write(p)
	select {
	case n.c <- struct{}{}:
	default:
	}
	return k, err
}

func TestWait(t *testing.T) {
	w, r, dir := openBoth(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Wait(ctx, Pos{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with a cancelled context = %v", err)
	}
	put(t, w, Stdout, "x\n")
	if ended, err := r.Wait(t.Context(), Pos{}); ended || err != nil {
		t.Errorf("Wait at the start = %v, %v", ended, err)
	}
	end, _ := r.end()
	done := make(chan bool)
	go func() { ended, _ := r.Wait(t.Context(), end); done <- ended }()
	_ = w.Close()
	if !<-done {
		t.Error("Wait at the end of a closed log is not ended")
	}
	if err := r.Copy(t.Context(), Options{Follow: true, Tail: -1}, io.Discard, io.Discard); err != nil {
		t.Errorf("following a closed log: %v", err)
	}
	if _, err := OpenWriter(dir, 0); err != nil {
		t.Errorf("reopening: %v", err)
	}
}

func TestCopyOptions(t *testing.T) {
	w, r, _ := openBoth(t, 0)
	clock := time.Unix(1_700_000_000, 0)
	w.now = func() time.Time { clock = clock.Add(time.Second); return clock }
	put(t, w, Stdout, "a\nb")
	put(t, w, Stderr, "E\n")
	put(t, w, Stdout, "b\nc\n")
	put(t, w, Stdout, "d\n")
	at := func(s int64) time.Time { return time.Unix(1_700_000_000+s, 0) }
	for _, c := range []struct {
		o        Options
		out, err string
	}{
		{Options{Tail: -1}, "a\nbb\nc\nd\n", "E\n"},
		{Options{Tail: 0}, "", ""},
		{Options{Tail: 2}, "c\nd\n", ""},
		{Options{Tail: 3}, "c\nd\n", "E\n"},
		{Options{Tail: -1, Since: at(3)}, "c\nd\n", ""},
		{Options{Tail: -1, Until: at(3)}, "a\nbb\nc\n", "E\n"},
		{Options{Tail: 1, Timestamps: true}, "2023-11-14T22:13:24.000000000Z d\n", ""},
		{Options{Tail: -1, Timestamps: true, Until: at(3)},
			"2023-11-14T22:13:21.000000000Z a\n2023-11-14T22:13:21.000000000Z bb\n2023-11-14T22:13:23.000000000Z c\n",
			"2023-11-14T22:13:22.000000000Z E\n"},
	} {
		var out, errs bytes.Buffer
		if err := r.Copy(t.Context(), c.o, &out, &errs); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{c.out, c.err}, []string{out.String(), errs.String()}); d != "" {
			t.Errorf("Copy(%+v): %s", c.o, d)
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	dir := b.TempDir()
	w, err := OpenWriter(dir, 128<<20)
	if err != nil {
		b.Fatal(err)
	}
	chunk := bytes.Repeat([]byte("0123456789abcde\n"), 4096)
	const size = 100 << 20
	for range size / len(chunk) {
		if err := w.Append(Stdout, chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	b.SetBytes(size)
	for b.Loop() {
		if err := r.Copy(b.Context(), Options{Tail: -1}, io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
