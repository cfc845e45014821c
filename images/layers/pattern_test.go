package layers

import (
	"regexp"
	"testing"
)

// TestExpressionsOnTrees compares the automaton with package regexp.
func TestExpressionsOnTrees(t *testing.T) {
	x := index(t, []entry{file("usr/bin/env", 1), file("usr/lib/libc.so.6", 1), file("usr/lib/größe", 1), file("etc/passwd", 1),
		file("usr/share/a-a-a", 1), file("x", 1)})
	for _, expr := range []string{"^usr", "lib$", "^usr/lib$", "so", `\.so\.\d+$`, "(?i)PASSWD", "^$", "a*", "(a-)+a$", "ö", "[^a-z/]", "^x$|env",
		"usr.*/lib[^/]*$", "x{2,}|w{1}d", `\bbin\b`, "(?m)^lib"} {
		m, err := compile(Pattern{Text: expr, Match: Regexp})
		if err != nil {
			t.Fatal(err)
		}
		w, want := newWalker(x), regexp.MustCompile(expr)
		for n := int32(1); n < int32(len(x.nodes)); n++ {
			if _, got := w.match(m, n); got != want.MatchString(x.path(n)) {
				t.Errorf("%q on %q: %v", expr, x.path(n), got)
			}
		}
	}
	if _, err := x.Find(Pattern{Text: "(", Match: Regexp}, 1); err == nil {
		t.Error("a broken expression is accepted")
	}
}

func TestFilters(t *testing.T) {
	x := index(t, []entry{file("usr/bin/Env", 10), file("usr/lib/libc.so.6", 200), file("etc/passwd", 30)})
	for _, c := range []struct {
		p    Pattern
		want int
	}{
		{Pattern{Text: "env"}, 1}, {Pattern{Text: "ENV"}, 0}, {Pattern{Text: "Env"}, 1}, {Pattern{Text: "ubev", Match: Fuzzy}, 1},
		{Pattern{Text: "s.*so", Match: Regexp}, 1}, {Pattern{}, 3}, {Pattern{Text: "usr"}, 2},
	} {
		if got := view(t, x, 0, 0, ViewOptions{Filter: c.p}).Totals().Shown; got != c.want {
			t.Errorf("%+v: %d files, want %d", c.p, got, c.want)
		}
	}
	v := view(t, x, 0, 0, ViewOptions{Filter: Pattern{Text: "libc"}})
	if got := listing(v); len(got) != 3 {
		t.Errorf("what is found is not opened: %q", got)
	}
	if !v.Toggle("usr") || v.Len() != 1 || view(t, x, 0, 0, ViewOptions{Like: v}).Len() != 2 {
		t.Error("a filter's open directories outlive it")
	}
	if v := view(t, x, 0, 0, ViewOptions{SortBySize: true, Flat: true}); v.Rows(0, 1)[0].Path != "usr" || v.Rows(2, 1)[0].Path != "usr/lib/libc.so.6" {
		t.Errorf("by size: %q", listing(v))
	}
	if v := view(t, x, 0, 0, ViewOptions{MinSize: 100, Flat: true}); v.Len() != 3 {
		t.Errorf("at least 100 bytes: %q", listing(v))
	}
	if at := view(t, x, 0, 0, ViewOptions{}).Reveal("usr/lib/libc.so.6"); at != 4 {
		t.Errorf("revealed at %d", at)
	}
	hits, err := x.Find(Pattern{Text: "lib", Match: Fuzzy}, 2)
	if err != nil || len(hits) != 2 || !hits[0].Live {
		t.Errorf("Find = %+v, %v", hits, err)
	}
}
