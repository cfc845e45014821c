package engine

import (
	"gantry/containers"
	"gantry/containers/logs"
	"gantry/internal/progress"
	"gantry/internal/termsafe"
)

// LogStderr marks a LogLine that was written to standard error.
const LogStderr = logs.Stderr

// Printable returns s as one line that is safe to draw: whatever could steer a
// terminal or change the layout is written as a visible escape.
func Printable(s string) string { return termsafe.Line(s) }

// Latest is a Sink that keeps the newest Step of each ID for a screen to show.
type Latest = progress.Latest

// NewLatest returns an empty Latest.
func NewLatest() *Latest { return progress.NewLatest() }

// ContainerState is where a container is in its life.
type ContainerState = containers.State
