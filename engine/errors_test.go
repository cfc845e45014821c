package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"testing"
)

type startError struct{ code int }

func (e startError) Error() string { return "start failed" }
func (e startError) ExitCode() int { return e.code }
func (e startError) Hint() string  { return "look in the image" }

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 125},
		{fmt.Errorf("run: %w", startError{127}), 127},
		{startError{}, 125},
		{fmt.Errorf("pull: %w", context.Canceled), 130},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("ExitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestHint(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("x"), ""},
		{ErrInvalid, ""},
		{fmt.Errorf("a: %w", startError{127}), "look in the image"},
		{fmt.Errorf("a: %w", ErrNotFound), "list what is there with images and ps -a"},
		{&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}, "run gantry as root"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{}}, "the name does not resolve: check its spelling and the network"},
	} {
		if got := Hint(c.err); got != c.want {
			t.Errorf("Hint(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
