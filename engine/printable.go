package engine

import (
	"gantry/internal/progress"
	"gantry/internal/termsafe"
)

// Printable returns s as one line that is safe to draw: whatever could steer a
// terminal or change the layout is written as a visible escape.
func Printable(s string) string { return termsafe.Line(s) }

// Latest is a Sink that keeps the newest Step of each ID for a screen to show.
type Latest = progress.Latest

// NewLatest returns an empty Latest.
func NewLatest() *Latest { return progress.NewLatest() }
