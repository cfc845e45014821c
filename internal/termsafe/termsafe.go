// Package termsafe makes foreign strings safe to show: names, labels, history,
// registry errors and file names may hold escape sequences, carriage returns,
// bidirectional overrides or invalid UTF-8 (CVE-2021-25743, CVE-2025-64494).
// Cleaning shows what was there instead of hiding it, and never adds a line.
package termsafe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one printable line: every control character, format
// character (bidirectional overrides, zero-width marks), line separator and
// invalid byte is written as a visible escape such as \x1b or \u202e.
func Line(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case printable(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
		i += size
	}
	return b.String()
}

// Text cleans s like Line but keeps its line feeds and expands tabs to a
// single one, for multi-line content.
func Text(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Line(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

func clean(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return utf8.ValidString(s) && strings.IndexFunc(s, unprintable) < 0
		}
	}
	return true
}

func unprintable(r rune) bool { return !printable(r) }

// printable keeps graphic characters except the ones that change the layout of
// their neighbours or look like nothing.
func printable(r rune) bool {
	if r == ' ' {
		return true
	}
	return r != utf8.RuneError && unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) &&
		!unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Zl, r) && !unicode.Is(unicode.Zp, r)
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	default:
		return fmt.Sprintf(`\u%04x`, r)
	}
}
