package engine

import "gantry/internal/termsafe"

// Printable returns s as one line that is safe to show on a terminal.
func Printable(s string) string { return termsafe.Line(s) }
