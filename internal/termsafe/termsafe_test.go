package termsafe

import (
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"naïve 日本 🙂":         "naïve 日本 🙂",
		"\x1b]52;c;aGk=\x07": `\x1b]52;c;aGk=\x07`,
		"a\r\nb\tc":          `a\r\nb\tc`,
		"rtl\u202egnp.exe":   `rtl\u202egnp.exe`,
		"bad\xff":            `bad\xff`,
		"nbsp\u00a0zw\u200b": `nbsp\u00a0zw\u200b`,
		"c1\u009b31m":        `c1\u009b31m`,
		"sep\u2028":          `sep\u2028`,
		"\x00":               `\x00`,
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTextKeepsLinesOnly(t *testing.T) {
	got := Text("a\r\nb\x1b[2J\n\tc")
	if want := "a\nb\\x1b[2J\n    c"; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("x\x1b[31m\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if strings.IndexFunc(got, unprintable) >= 0 {
			t.Errorf("Line(%q) = %q holds unprintable characters", s, got)
		}
		if again := Line(got); again != got {
			t.Errorf("Line is not stable: %q then %q", got, again)
		}
	})
}
