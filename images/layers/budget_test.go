package layers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"gantry/images"
	"gantry/internal/testenv"
	"gantry/store"
	"gantry/store/layer"
)

// indexed is layers of which only the tables of contents are there.
type indexed []*layer.Index

func (s indexed) index(_ context.Context, i int) (*layer.Index, error) { return s[i], nil }
func (s indexed) tar(context.Context, int) (io.ReadCloser, error)      { return nil, io.EOF }
func (s indexed) file(int, string) (io.ReadCloser, error)              { return nil, nil }
func (s indexed) close() error                                         { return nil }

// largeTars makes layers like those of a large image: all files in the lowest,
// and one in twenty of them again in each layer above it. whiteouts are removed
// by the topmost.
func largeTars(t testing.TB, files, layers, whiteouts int) (*images.Source, [][]byte) {
	t.Helper()
	const packages = "usr/lib/node_modules"
	var tars [][]byte
	for l := range layers {
		var entries []entry
		for i := range files {
			dir := fmt.Sprintf("%s/package-%d/dist/", packages, i/60)
			switch {
			case l == 0 || i%20 == l:
				entries = append(entries, file(fmt.Sprintf("%sfile-%d.js", dir, i), int64(i%97)))
			case l == layers-1 && (i%20 == 15 || i%20 == 16) && i/10 < whiteouts:
				entries = append(entries, file(fmt.Sprintf("%s.wh.file-%d.js", dir, i), 0))
			}
		}
		tars = append(tars, pack(t, fmt.Sprint(l), entries...))
	}
	return image(tars...), tars
}

// large is the tables of contents of largeTars.
func large(t testing.TB, files, layers, whiteouts int) (*images.Source, indexed) {
	t.Helper()
	src, tars := largeTars(t, files, layers, whiteouts)
	var tables indexed
	for _, data := range tars {
		table, _, err := layer.Scan(t.Context(), bytes.NewReader(data), layer.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	return src, tables
}

func assemble(t testing.TB, src *images.Source, tables indexed) *Index {
	t.Helper()
	x, err := open(t.Context(), "large", src, tables)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// fastest is the shortest of several runs: what the work takes when nothing
// else does.
func fastest(runs int, work func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range runs {
		start := time.Now()
		work()
		best = min(best, time.Since(start))
	}
	return best
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// operations are what a key on the screen asks for.
func operations(t testing.TB, x *Index, like *View) map[string]func() {
	make := func(from, to int, o ViewOptions) func() {
		o.Like = like
		return func() { view(t, x, from, to, o).Rows(100, 60) }
	}
	last := len(x.Layers()) - 1
	return map[string]func(){
		"layer":              make(5, 5, ViewOptions{}),
		"aggregate":          make(0, last, ViewOptions{Compare: CompareAggregate, Flat: true}),
		"hide":               make(3, 9, ViewOptions{Hide: map[Class]bool{Unmodified: true}, Flat: true}),
		"filter":             make(0, last, ViewOptions{Filter: Pattern{Text: "file-11"}}),
		"regexp":             make(0, last, ViewOptions{Filter: Pattern{Text: `package-\d+/.*-1+\.js$`, Match: Regexp}}),
		"regexp, no literal": make(0, last, ViewOptions{Filter: Pattern{Text: `[0-9]{3}\.[a-z]s`, Match: Regexp}}),
		"fuzzy":              make(0, last, ViewOptions{Filter: Pattern{Text: "pkgfile9js", Match: Fuzzy}}),
		"sort":               make(0, last, ViewOptions{SortBySize: true, Flat: true}),
		"size":               make(0, last, ViewOptions{MinSize: 90}),
		"scroll":             func() { like.Rows(like.Len()/2, 60) },
		"toggle":             func() { like.Toggle("usr/lib") },
		"path":               func() { x.Path("usr/lib/node_modules/package-500/dist/file-30001.js") },
		"find":               func() { _, _ = x.Find(Pattern{Text: "file-59999"}, 50) },
		"find fuzzy":         func() { _, _ = x.Find(Pattern{Text: "f5999", Match: Fuzzy}, 50) },
	}
}

func TestBudgets(t *testing.T) {
	if testing.Short() {
		t.Skip("60,000 files")
	}
	src, tables := large(t, 60_000, 12, 0)
	var x *Index
	took := fastest(5, func() { x = assemble(t, src, tables) })
	t.Logf("%d paths, %d versions: open %v", x.Len(), len(x.versions), took)
	if took > slack*50*time.Millisecond {
		t.Errorf("opening takes %v, budget 50 ms", took)
	}
	before := heap()
	y := assemble(t, src, tables)
	size := heap() - before
	t.Logf("%d kB held", size>>10)
	if size > 20<<20 {
		t.Errorf("%d bytes are held, budget 20 MB", size)
	}
	runtime.KeepAlive(y)
	runtime.KeepAlive(src) // not freed in between
	like := view(t, x, 0, 11, ViewOptions{Flat: true})
	ops := operations(t, x, like)
	for _, name := range slices.Sorted(keys(ops)) {
		took := fastest(3, ops[name])
		t.Logf("%-20s %v", name, took)
		if took > slack*16*time.Millisecond {
			t.Errorf("%s takes %v, budget 16 ms", name, took)
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestWhiteoutsAreLinear guards against dive's quadratic cost: it needs 94 times
// as long for 500 whiteouts.
func TestWhiteoutsAreLinear(t *testing.T) {
	const files, layers = 20_000, 10
	plainSrc, plain := large(t, files, layers, 0)
	src, tables := large(t, files, layers, 2000)
	best := 99.0
	for attempt := 0; attempt < 6 && best > 1.2; attempt++ { // others use this machine too
		without := fastest(5, func() { assemble(t, plainSrc, plain) })
		with := fastest(5, func() { assemble(t, src, tables) })
		best = min(best, float64(with)/float64(without))
		t.Logf("without %v, with 2,000 %v", without, with)
	}
	if best > 1.2 {
		t.Errorf("2,000 whiteouts take %.2f times as long", best)
	}
	if n := assemble(t, src, tables).Stats().Reclaimable; n == 0 {
		t.Error("the whiteouts remove nothing")
	}
}

// slack is for machines that are slow or busy: budgets are kept on a quiet one.
const slack = 3

func BenchmarkOpen(b *testing.B) {
	src, tables := large(b, 60_000, 12, 0)
	for b.Loop() {
		assemble(b, src, tables)
	}
}

func BenchmarkView(b *testing.B) {
	src, tables := large(b, 60_000, 12, 0)
	x := assemble(b, src, tables)
	ops := operations(b, x, view(b, x, 0, 11, ViewOptions{Flat: true}))
	for _, name := range slices.Sorted(keys(ops)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ops[name]()
			}
		})
	}
}

// BenchmarkOpenStore opens the large image from a store's own indexes.
func BenchmarkOpenStore(b *testing.B) {
	testenv.NeedsRoot(b)
	root := b.TempDir()
	s, err := store.Open(b.Context(), store.Options{Root: root, Run: filepath.Join(root, "run")})
	if err != nil {
		b.Fatal(err)
	}
	ls := layer.Open(s)
	src, tars := largeTars(b, 60_000, 12, 0)
	for i, id := range src.Config.RootFS.DiffIDs {
		unpack(b, ls, id, tars[i])
	}
	for b.Loop() {
		x, err := Open(b.Context(), "large", src, ls)
		if err != nil {
			b.Fatal(err)
		}
		_ = x.Close()
	}
}
