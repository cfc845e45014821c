package logs

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openBoth(t *testing.T, capBytes int64) (*Writer, *Reader, string) {
	t.Helper()
	dir := t.TempDir()
	w, err := OpenWriter(dir, capBytes)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(); _ = r.Close() })
	return w, r, dir
}

func put(t *testing.T, w *Writer, s Stream, text string) {
	t.Helper()
	if err := w.Append(s, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func texts(lines []Line) []string {
	var out []string
	for _, l := range lines {
		text := fmt.Sprintf("%d %s", l.Stream, l.Text)
		if l.Partial {
			text += "…"
		}
		out = append(out, text)
	}
	return out
}

func TestLinesAreJoinedPerStream(t *testing.T) {
	w, r, _ := openBoth(t, 0)
	put(t, w, Stdout, "one\ntw")
	put(t, w, Stderr, "er")
	put(t, w, Stdout, "o\n\nth")
	put(t, w, Stderr, "ror\n")
	put(t, w, Stdout, "ree")
	want := []string{"1 one", "1 two", "2 error", "1 ", "1 three…"}
	all, err := r.After(Pos{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, texts(all)); d != "" {
		t.Errorf("After: %s", d)
	}
	for n := range len(want) + 2 {
		tail, err := r.Tail(n)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[max(len(want)-n, 0):], texts(tail)); d != "" && n > 0 {
			t.Errorf("Tail(%d): %s", n, d)
		}
	}
	for i, l := range all {
		rest, _ := r.After(l.Pos, 100)
		if d := cmp.Diff(want[i:], texts(rest)); d != "" {
			t.Errorf("After(line %d): %s", i, d)
		}
		before, _ := r.Before(l.Pos, 100)
		if d := cmp.Diff(want[:i], texts(before)); d != "" && i > 0 {
			t.Errorf("Before(line %d): %s", i, d)
		}
	}
}

func TestPartialLineGrows(t *testing.T) {
	w, r, _ := openBoth(t, 0)
	put(t, w, Stdout, "login: ")
	first, _ := r.After(Pos{}, 10)
	put(t, w, Stdout, "root\n")
	again, _ := r.After(first[0].Pos, 10)
	if d := cmp.Diff([]string{"1 login: root"}, texts(again)); d != "" {
		t.Error(d)
	}
	rest, _ := r.After(first[0].Next, 10)
	if d := cmp.Diff([]string{"1 root"}, texts(rest)); d != "" {
		t.Error(d)
	}
}

// TestWhatIsWrittenIsRead writes random chunks across many rotations and reads
// them in every way.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for seed := range int64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewSource(seed))
			w, r, dir := openBoth(t, 16<<10+rnd.Int63n(64<<10))
			var sent [2]bytes.Buffer
			for range 400 {
				s := Stream(rnd.Intn(2) + 1)
				chunk := randomChunk(rnd)
				sent[s-1].Write(chunk)
				put(t, w, s, string(chunk))
				if rnd.Intn(50) == 0 { // a new run of the container
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					var err error
					if w, err = OpenWriter(dir, w.cap); err != nil {
						t.Fatal(err)
					}
				}
			}
			defer w.Close()
			checkCap(t, dir, w.cap)
			checkCopy(t, r, &sent)
			checkWalks(t, r, rnd)
		})
	}
}

func randomChunk(rnd *rand.Rand) []byte {
	chunk := make([]byte, rnd.Intn(600)+1)
	for i := range chunk {
		chunk[i] = "abc\n"[rnd.Intn(4)]
		if rnd.Intn(3) == 0 && chunk[i] == '\n' {
			chunk[i] = 'x'
		}
	}
	return chunk
}

func checkCap(t *testing.T, dir string, capBytes int64) {
	t.Helper()
	numbers, _ := segments(dir)
	var total int64
	for _, n := range numbers {
		fi, err := os.Stat(segmentPath(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		total += fi.Size()
	}
	if total > capBytes {
		t.Errorf("log takes %d bytes, cap is %d", total, capBytes)
	}
}

func checkCopy(t *testing.T, r *Reader, sent *[2]bytes.Buffer) {
	t.Helper()
	var got [2]bytes.Buffer
	if err := r.Copy(t.Context(), Options{Tail: -1}, &got[0], &got[1]); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].Len() == 0 || !bytes.HasSuffix(sent[i].Bytes(), got[i].Bytes()) {
			t.Errorf("stream %d: copied %d bytes that are not the end of what was sent", i+1, got[i].Len())
		}
	}
}

// checkWalks compares one read of everything with reads in small steps.
func checkWalks(t *testing.T, r *Reader, rnd *rand.Rand) {
	t.Helper()
	all, err := r.After(Pos{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := r.Tail(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(all, tail); d != "" {
		t.Fatalf("Tail of all differs from After the start: %.600s", d)
	}
	var forward []Line
	for p := (Pos{}); ; {
		lines, err := r.After(p, rnd.Intn(7)+1)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) == 0 {
			break
		}
		forward = append(forward, lines...)
		p = lines[len(lines)-1].Next
	}
	if d := cmp.Diff(all, forward); d != "" {
		t.Fatalf("forward: %.600s", d)
	}
	var backward []Line
	for p := all[len(all)-1].Next; ; {
		lines, err := r.Before(p, rnd.Intn(7)+1)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) == 0 {
			break
		}
		backward = append(lines, backward...)
		p = lines[0].Pos
	}
	if d := cmp.Diff(all, backward); d != "" {
		t.Fatalf("backward: %.600s", d)
	}
}

func TestTornFrameIsIgnoredAndCutOff(t *testing.T) {
	w, _, dir := openBoth(t, 0)
	put(t, w, Stdout, "whole\n")
	put(t, w, Stdout, "torn away\n")
	_ = w.Close()
	path := segmentPath(dir, 1)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(data) - 1; cut > headerSize+len("whole\n"); cut-- {
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		r, _ := Open(dir)
		lines, err := r.Tail(10)
		if d := cmp.Diff([]string{"1 whole"}, texts(lines)); d != "" || err != nil {
			t.Fatalf("cut at %d: %v %s", cut, err, d)
		}
		w, err := OpenWriter(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		put(t, w, Stderr, "after\n")
		_ = w.Close()
		lines, _ = r.Tail(10)
		if d := cmp.Diff([]string{"1 whole", "2 after"}, texts(lines)); d != "" {
			t.Fatalf("cut at %d, resumed: %s", cut, d)
		}
		_ = r.Close()
	}
}

func TestLongLineComesInPieces(t *testing.T) {
	w, r, _ := openBoth(t, 0)
	const size = 100 << 20
	chunk := bytes.Repeat([]byte{'x'}, 64<<10)
	for range size / len(chunk) {
		if err := w.Append(Stdout, chunk); err != nil {
			t.Fatal(err)
		}
	}
	put(t, w, Stdout, "\nlast\n")
	lines, err := r.Tail(3)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || string(lines[2].Text) != "last" {
		t.Fatalf("Tail(3) = %d lines, last %q", len(lines), lines[len(lines)-1].Text)
	}
	many, err := r.Tail(1000)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, l := range many {
		total += len(l.Text)
		if len(l.Text) > maxLine {
			t.Errorf("piece of %d bytes", len(l.Text))
		}
	}
	if total > maxBatch+maxLine {
		t.Errorf("one call returned %d bytes", total)
	}
}

func TestTenMillionEmptyLines(t *testing.T) {
	w, r, _ := openBoth(t, 0)
	chunk := bytes.Repeat([]byte{'\n'}, 64<<10)
	for range 10_000_000/len(chunk) + 1 {
		if err := w.Append(Stdout, chunk); err != nil {
			t.Fatal(err)
		}
	}
	put(t, w, Stdout, "needle\n")
	allocated := testing.AllocsPerRun(1, func() {
		if lines, err := r.Tail(100); err != nil || len(lines) != 100 {
			t.Errorf("Tail(100) = %d lines, %v", len(lines), err)
		}
	})
	if allocated > 1000 {
		t.Errorf("Tail(100) made %v allocations", allocated)
	}
	end, _ := r.end()
	start, err := r.back(end, 9_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if start.Byte == 0 && start.Offset == 0 && start.Segment == 1 {
		t.Errorf("9,000,000 lines back is the start")
	}
	l, found, err := r.Search(t.Context(), end, true, func(b []byte) bool { return string(b) == "needle" })
	if !found || err != nil || string(l.Text) != "needle" {
		t.Errorf("Search = %q, %v, %v", l.Text, found, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	w, err := OpenWriter(b.TempDir(), 0)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	chunk := bytes.Repeat([]byte("0123456789abcde\n"), 4096)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		if err := w.Append(Stdout, chunk); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte("1732290163123456789 o 0000012\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != headerSize {
			return
		}
		if h, err := parseHeader(b); err == nil && string(appendHeader(nil, h)) != string(b) {
			t.Errorf("%q does not come back from %+v", b, h)
		}
	})
}
