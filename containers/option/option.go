// Package option turns the words of run and create options into values, and
// says what is wrong with them: what was given, why it cannot be, what may be
// given instead. Everything is checked here, before anything is made. It knows
// nothing of command lines or screens, so both use it; it opens no file but
// the ones a caller names.
package option

import (
	"fmt"
	"strconv"
	"strings"

	"gantry/internal/termsafe"
	"gantry/store"
)

// inputError is a mistake in the caller's words. Its text stands alone.
type inputError struct{ text string }

func (e *inputError) Error() string { return e.text }

// Is makes every mistake a store.ErrInvalid.
func (e *inputError) Is(target error) bool { return target == store.ErrInvalid }

// bad returns a mistake. String arguments come from outside: they are made
// printable.
func bad(format string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = termsafe.Line(s)
		}
	}
	return &inputError{fmt.Sprintf(format, args...)}
}

// digits reports whether s is a non-empty run of decimal digits.
func digits(s string) bool {
	if s == "" {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// parseBool reads the value of a key that may stand alone, as in mount options.
func parseBool(value string, given bool) (bool, error) {
	if !given {
		return true, nil
	}
	return strconv.ParseBool(value)
}
