// Package logs writes a container's output to disk within a cap, and reads it
// back by position, so that a viewer's memory does not grow with the log.
package logs

import (
	"context"
	"errors"
	"io"
	"time"
)

// Stream tells standard output from standard error.
type Stream byte

// The streams of a container without a terminal; with one, all is Stdout.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

// Pos is a place between two lines of a log. Positions are ordered and stay
// valid until rotation removes what they point at; the zero Pos is the start.
type Pos struct {
	Segment uint64
	Offset  int64 // of the frame within the segment
	Byte    int64 // of the line within the frame
}

// Line is one line of output, raw as the container wrote it.
type Line struct {
	Pos    Pos // where it starts
	Next   Pos // where the line after it starts
	Time   time.Time
	Stream Stream
	Text   []byte // without its newline
}

// Options choose what Copy writes.
type Options struct {
	Follow     bool
	Tail       int // lines from the end; < 0: all
	Since      time.Time
	Until      time.Time
	Timestamps bool
}

// Reader reads one container's log. It is safe while the log is written.
type Reader struct{}

var errNoLog = errors.New("no log")

// Open reads the log in dir.
func Open(dir string) (*Reader, error) { return nil, errNoLog }

// Tail returns the last n lines.
func (r *Reader) Tail(n int) ([]Line, error) { return nil, errNoLog }

// Before returns up to n lines that end at p, oldest first.
func (r *Reader) Before(p Pos, n int) ([]Line, error) { return nil, errNoLog }

// After returns up to n lines that start at p.
func (r *Reader) After(p Pos, n int) ([]Line, error) { return nil, errNoLog }

// Search returns the first line at or after p (with backward: before p) whose
// text matches. found is false when there is none.
func (r *Reader) Search(ctx context.Context, p Pos, backward bool, match func([]byte) bool) (line Line, found bool, err error) {
	return Line{}, false, errNoLog
}

// Wait returns when the log may have grown beyond p, when its container has
// ended (ended is true), or when ctx is done.
func (r *Reader) Wait(ctx context.Context, p Pos) (ended bool, err error) { return false, errNoLog }

// Copy writes the log to stdout and stderr as Options say.
func (r *Reader) Copy(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	return errNoLog
}

// Close releases the reader.
func (r *Reader) Close() error { return nil }
