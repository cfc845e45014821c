package attach

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDetector(t *testing.T) {
	const quiet = "~" // the timer runs out
	for _, c := range []struct {
		keys, typed, out string
		detach           bool
	}{
		{"", "abc", "abc", false},
		{"\x10\x11", "ab", "ab", false},
		{"\x10\x11", "a\x10\x11b", "a", true},
		{"\x10\x11", "\x10x", "\x10x", false},
		{"\x10\x11", "\x10\x10\x11", "\x10", true},
		{"\x10\x11", "\x10" + quiet + "\x11", "\x10\x11", false},
		{"aab", "aaab", "a", true},
		{"aab", "aac", "aac", false},
		{"abab", "ababab", "", true},
		{"abac", "ababac", "ab", true},
		{"\x1d", "a\x1d\x1db", "a\x1db", false},
		{"\x1d", "a\x1d" + quiet, "a", true},
		{"\x1d", "a\x1db", "a", true},
	} {
		for _, whole := range []bool{true, false} {
			d := detector{keys: []byte(c.keys)}
			out, detach := typeKeys(&d, c.typed, quiet, whole)
			if diff := cmp.Diff(c.out, out); diff != "" || detach != c.detach {
				t.Errorf("keys %q, typed %q, at once %v: detach %v\n%s", c.keys, c.typed, whole, detach, diff)
			}
		}
	}
}

// typeKeys feeds typed whole between timeouts, or byte by byte.
func typeKeys(d *detector, typed, quiet string, whole bool) (string, bool) {
	var out []byte
	var detach bool
	for i, part := range strings.Split(typed, quiet) {
		if i > 0 {
			if out, detach = d.expire(out); detach {
				break
			}
		}
		for len(part) > 0 && !detach {
			n := 1
			if whole {
				n = len(part)
			}
			out, detach = d.feed(out, []byte(part[:n]))
			part = part[n:]
		}
	}
	return string(out), detach
}

func TestStripQueries(t *testing.T) {
	for in, want := range map[string]string{
		"plain\r\n":                        "plain\r\n",
		"\x1b[31mred\x1b[0m":               "\x1b[31mred\x1b[0m",
		"a\x1b[6nb":                        "ab",
		"a\x1b[5nb\x1b[?6nc":               "abc",
		"\x1b[>4n":                         "\x1b[>4n",
		"\x1b[c\x1b[0c\x1b[>c\x1b[=c":      "",
		"\x1b[?1c":                         "\x1b[?1c",
		"\x1b[?2026$p\x1b[4$p":             "",
		"\x1b[!p":                          "\x1b[!p",
		"\x1b]11;?\x07x\x1b]10;?\x1b\\y":   "xy",
		"\x1b]4;1;?\x07\x1b]52;c;?\x07":    "",
		"\x1b]0;what?\x07":                 "\x1b]0;what?\x07",
		"\x1b]11;#000000\x07":              "\x1b]11;#000000\x07",
		"\x1b[?u\x1b[>1u":                  "\x1b[>1u",
		"\x1b[>q\x1b[2 q":                  "\x1b[2 q",
		"\x1b[18t\x1b[22;0t":               "\x1b[22;0t",
		"\x1bP$qm\x1b\\\x1bP+q544e\x1b\\z": "z",
		"\x1b_Ga=q;AAAA\x1b\\z":            "z",
		"\x05\x1bZx":                       "x",
		"end\x1b[6":                        "end\x1b[6",
		"end\x1b":                          "end\x1b",
		"\x1b[6\x1b[6nx":                   "\x1b[6x",
		"\x1b]11;?\x1b[0mx":                "\x1b[0mx",
	} {
		if d := cmp.Diff(want, string(stripQueries([]byte(in)))); d != "" {
			t.Errorf("stripQueries(%q): %s", in, d)
		}
	}
}

func FuzzStripQueries(f *testing.F) {
	f.Add([]byte("a\x1b[6n\x1b]11;?\x07\x1bP$q\x1b\\"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := stripQueries(b); len(got) > len(b) {
			t.Errorf("stripQueries(%q) grew to %q", b, got)
		}
	})
}

func TestRing(t *testing.T) {
	var r ring
	r.write([]byte("short"))
	if got := string(r.bytes()); got != "short" {
		t.Errorf("bytes = %q", got)
	}
	var all strings.Builder
	for i := range 5000 {
		line := strings.Repeat("x", i%97) + "\n"
		all.WriteString(line)
		r.write([]byte(line))
	}
	got := string(r.bytes())
	if !strings.HasSuffix(all.String(), "\n"+got) || len(got) < scrollback-200 || len(got) > scrollback {
		t.Errorf("ring holds %d bytes that are not whole last lines", len(got))
	}
	r.write([]byte(strings.Repeat("y", 2*scrollback-10) + "\x1b[1m" + strings.Repeat("é", 3)))
	if got := string(r.bytes()); got != "\x1b[1mééé" {
		t.Errorf("bytes begin with %.20q", got)
	}
}
