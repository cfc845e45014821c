package reference

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gantry/internal/termsafe"
	"gantry/store"
)

// Error says what is wrong with a reference and where. Its texts are safe to
// print whatever was given.
type Error struct {
	Input  string // as given, not cleaned
	Offset int    // in bytes, of the first thing that is wrong
	Reason string // cleaned
	Hint   string // what is allowed or what to do, cleaned
}

// Error is one line: what was given, why it is wrong, what is allowed.
func (e *Error) Error() string {
	if e.Input == "" {
		return fmt.Sprintf("invalid reference: %s: %s", e.Reason, e.Hint)
	}
	where := ""
	if e.Offset > 0 {
		where = fmt.Sprintf(" at position %d", utf8.RuneCountInString(e.Input[:e.Offset])+1)
	}
	return fmt.Sprintf(`invalid reference "%s"%s: %s: %s`, clip(e.Input), where, e.Reason, e.Hint)
}

// Unwrap makes every Error a store.ErrInvalid.
func (e *Error) Unwrap() error { return store.ErrInvalid }

// Caret is the input and, on a second line, a caret below the position.
func (e *Error) Caret() string {
	before := termsafe.Line(e.Input[:e.Offset])
	return before + termsafe.Line(e.Input[e.Offset:]) + "\n" + strings.Repeat(" ", utf8.RuneCountInString(before)) + "^"
}

// clip makes a foreign string printable and short enough for a message.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return termsafe.Line(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return termsafe.Line(s)
}

// quoteAt is the character of s at byte i, quoted.
func quoteAt(s string, i int) string {
	_, size := utf8.DecodeRuneInString(s[i:])
	return `"` + termsafe.Line(s[i:i+size]) + `"`
}

func alnum(c byte) bool { return lowerAlnum(c) || c >= 'A' && c <= 'Z' }

func lowerAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func hexDigit(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isHex reports whether s is n lowercase hex digits.
func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := 0; i < n; i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 }) < 0
}
