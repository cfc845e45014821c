package viewer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gantry/ui/theme"
	"gantry/ui/widget"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

func file(name, content string) File {
	return File{Name: name, Size: int64(len(content)), ReaderAt: strings.NewReader(content)}
}

func view(t *testing.T, f File) (Page, string) {
	t.Helper()
	kind, err := Sniff(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Render(context.Background(), f, kind, Place{})
	if err != nil {
		t.Fatal(err)
	}
	return p, plain(p.Lines)
}

func plain(lines []widget.TextLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Plain() + "\n")
	}
	return b.String()
}

func tarOf(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range names {
		if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o644, Size: 3}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte("abc"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zipOf(name string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.Create(name)
	_, _ = f.Write([]byte("abc"))
	_ = w.Close()
	return b.String()
}

func TestKinds(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	tests := []struct {
		name, content string
		kind          Kind
		want          string
	}{
		{"empty", "", Empty, ""},
		{"etc/motd", "hello\nworld\n", Text, "     1 hello\n     2 world\n"},
		{"x", "a\tb\r\nlast", Text, "     1 a   b\n     2 last\n"},
		{"x", "a\x1b[2Jb", Text, `\x1b[2J`},
		{"a.json", `{"a":[1,"x"],"b":null}`, JSON, "     3     1,\n"},
		{"a.json", `{"a":`, Text, "     1 {\"a\":\n"},
		{"plain", `[1, 2]`, JSON, "     2   1,\n"},
		{"bin", "\x00\x01abc", Bytes, "00000000  00 01 61 62 63"},
		{"go", string(self), ELF, "Sections"},
		{"go", "\x7fELF broken", Bytes, "7f 45 4c 46"},
		{"a.tar", tarOf(t, "etc/a", "b\x1b[2J"), Archive, `3 B`},
		{"a.tar.gz", zipped(tarOf(t, "etc/a")), Archive, "etc/a"},
		{"a.gz", zipped("no tar"), Bytes, "1f 8b"},
		{"a.tgz", zipped("no tar"), Bytes, "1f 8b"},
		{"a.jar", zipOf("META-INF/x"), Archive, "META-INF/x"},
		{"a.zip", "PK\x03\x04 broken", Bytes, "50 4b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, text := view(t, file(tt.name, tt.content))
			if p.Kind != tt.kind || !strings.Contains(text, tt.want) || strings.Contains(text, "\x1b") {
				t.Errorf("view(%s) = %s\n%.600s\nwant %s with %q", tt.name, p.Kind, text, tt.kind, tt.want)
			}
		})
	}
}

// TestWindows walks through a file larger than a window and must see each line
// once and in order.
func TestWindows(t *testing.T) {
	var b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	b.WriteString(strings.Repeat("x", Window+10))
	f := file("big", b.String())
	at, lines, windows := Place{}, 0, 0
	for at.Offset < f.Size {
		p, err := Render(context.Background(), f, Text, at)
		if err != nil || p.Next.Offset <= at.Offset {
			t.Fatalf("window at %v ends at %v: %v", at, p.Next, err)
		}
		want := fmt.Sprintf("%6d line %d", at.Line+1, at.Line)
		if got := p.Lines[0].Plain(); at.Line < 60_000 && got != want {
			t.Fatalf("window at %v begins with %q, want %q", at, got, want)
		}
		at, lines, windows = p.Next, at.Line, windows+1
	}
	if lines != 60_000 || windows < 3 {
		t.Errorf("%d windows, last line %d", windows, lines)
	}
}

func TestColours(t *testing.T) {
	p, _ := view(t, file("a.go", "/* long\ncomment */ func f() { return \"s\" } // end\n"))
	want := []widget.TextLine{
		{{Text: "     1 ", Role: theme.Muted}, {Text: "/* long", Role: theme.Comment}},
		{{Text: "     2 ", Role: theme.Muted}, {Text: "comment */", Role: theme.Comment}, {Text: " "},
			{Text: "func", Role: theme.Keyword}, {Text: " f() { "}, {Text: "return", Role: theme.Keyword}, {Text: " "},
			{Text: `"s"`, Role: theme.Literal}, {Text: " } "}, {Text: "// end", Role: theme.Comment}},
	}
	if diff := cmp.Diff(want, p.Lines); diff != "" {
		t.Error(diff)
	}
	p, _ = view(t, file("etc/nginx/nginx.conf", "worker = 4 # four\n[section]\n"))
	if p.Lines[0][1].Role != theme.Keyword || p.Lines[0][len(p.Lines[0])-1].Role != theme.Comment {
		t.Errorf("a line of a configuration file is %+v", p.Lines[0])
	}
}

func TestDiff(t *testing.T) {
	p, err := Diff(file("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), file("a", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "@@ line 2\n    2     2   2\n    3     3   3\n    4     4   4\n    5       - 5\n          5 + five\n" +
		"    6     6   6\n    7     7   7\n    8     8   8\n    9     9   9\n         10 + 10\n"
	if diff := cmp.Diff(want, plain(p.Lines)); diff != "" {
		t.Error(diff)
	}
	for _, tt := range [][3]string{{"a", "a", "same"}, {"a\x00b", "a\x00c", "not text"}, {"", strings.Repeat("a\n", 2<<20), "above"}} {
		p, err := Diff(file("x", tt[0]), file("x", tt[1]))
		if err != nil || !strings.Contains(plain(p.Lines), tt[2]) {
			t.Errorf("Diff says %q, %v; want %q", plain(p.Lines), err, tt[2])
		}
	}
}

// TestDiffIsRight applies what compare says to random texts.
func TestDiffIsRight(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	text := func() [][]byte {
		var b strings.Builder
		for range random.IntN(60) {
			fmt.Fprintf(&b, "%d\n", random.IntN(6))
		}
		return split([]byte(b.String()))
	}
	for range 2000 {
		a, b := text(), text()
		var old, fresh [][]byte
		for _, e := range compare(a, b) {
			if e.op != '+' {
				old = append(old, a[e.old])
			}
			if e.op != '-' {
				fresh = append(fresh, b[e.new])
			}
		}
		if !cmp.Equal(a, old) || !cmp.Equal(b, fresh) {
			t.Fatalf("compare(%q, %q) is wrong", a, b)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("a.json", []byte(`{"a":1}`))
	f.Add("a.go", []byte("/*\n\"x"))
	f.Add("a.tar", []byte(tarOf(&testing.T{}, "x")))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		for _, kind := range []Kind{Text, JSON, ELF, Archive, Bytes} {
			p, _ := Render(context.Background(), File{name, int64(len(data)), bytes.NewReader(data)}, kind, Place{})
			for _, l := range p.Lines {
				for _, c := range l.Plain() {
					if c < 0x20 || c == 0x7f {
						t.Fatalf("%s of %q shows %q", kind, data, l.Plain())
					}
				}
			}
		}
	})
}
