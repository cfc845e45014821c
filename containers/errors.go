package containers

import (
	"fmt"

	"gantry/containers/attach"
	"gantry/internal/termsafe"
	"gantry/store"
)

// said is an error whose words are the ones people and scripts know from
// Docker, and which is also a sentinel.
type said struct {
	text string
	is   error
}

func (e said) Error() string { return e.text }
func (e said) Unwrap() error { return e.is }

func sayf(is error, format string, args ...any) error {
	return said{fmt.Sprintf(format, args...), is}
}

// ErrNotRunning is what errors about containers that should run are.
var ErrNotRunning = attach.ErrNotRunning

func notFound(ref string) error {
	return sayf(store.ErrNotFound, "no such container: %s", termsafe.Line(ref))
}

func notRunning(c Container) error {
	return sayf(ErrNotRunning, "container %s is not running", display(c))
}

// display is what to call a container in a message.
func display(c Container) string {
	if c.Name != "" {
		return termsafe.Line(c.Name)
	}
	return short(c.ID)
}
