// Package logs writes a container's output to disk within a cap, and reads it
// back by position, so that a viewer's memory does not grow with the log. It
// keeps bytes as they came; it neither cleans nor interprets them.
package logs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gantry/internal/flock"
)

// Stream tells standard output from standard error.
type Stream byte

// The streams of a container without a terminal; with one, all is Stdout.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

// Pos is a place between two lines of a log. Positions are ordered and stay
// valid until rotation removes what they point at, which then means the start
// of what is left; the zero Pos is the start.
type Pos struct {
	Segment uint64
	Offset  int64 // of the frame within the segment
	Byte    int64 // of the line within the frame
}

// before reports whether p comes before q.
func (p Pos) before(q Pos) bool {
	if p.Segment != q.Segment {
		return p.Segment < q.Segment
	}
	if p.Offset != q.Offset {
		return p.Offset < q.Offset
	}
	return p.Byte < q.Byte
}

// Line is one line of output, raw as the container wrote it. Lines come in the
// order in which they began. A line beyond 1 MiB comes in pieces.
type Line struct {
	Pos    Pos // where it starts
	Next   Pos // where the line after it starts
	Time   time.Time
	Stream Stream
	Text   []byte // without its newline
	// Partial says that the line has no newline yet, as a prompt or a progress
	// bar. It may grow: a follower reads it again from its Pos.
	Partial bool
}

// Options choose what Copy writes.
type Options struct {
	Follow     bool
	Tail       int // lines from the end; < 0: all
	Since      time.Time
	Until      time.Time
	Timestamps bool
}

// maxBatch bounds the text that one call returns, whatever was asked for.
const maxBatch = 8 << 20

// Reader reads one container's log. It is safe while the log is written, and
// for concurrent use: calls take turns, Copy with every segment, and only a
// waiting Wait or Copy lets others by.
type Reader struct {
	dir   string
	watch watcher

	mu  sync.Mutex
	seg cached
}

// cached is the segment that was read last, whole frames only.
type cached struct {
	number uint64
	data   []byte
}

// Open reads the log in dir.
func Open(dir string) (*Reader, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return nil, &os.PathError{Op: "open", Path: dir, Err: errors.New("not a log")}
	}
	return &Reader{dir: dir, watch: newWatcher(dir)}, nil
}

// Close releases the reader. No call may be under way.
func (r *Reader) Close() error { return r.watch.close() }

// Tail returns the last n lines.
func (r *Reader) Tail(n int) ([]Line, error) {
	end, err := r.end()
	if err != nil {
		return nil, err
	}
	return r.Before(end, n)
}

// Before returns up to n lines that end at p, oldest first: fewer at the start
// of the log, and where they are very long.
func (r *Reader) Before(p Pos, n int) ([]Line, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start, err := r.back(p, n)
	if err != nil || !start.before(p) {
		return nil, err
	}
	for {
		a := newAssembler(start, n, p)
		if err := r.feed(start, a); err != nil {
			return nil, err
		}
		lines := a.finish()
		if len(lines) == 0 || !lines[len(lines)-1].Next.before(p) || a.size < maxBatch {
			return lines, nil
		}
		// Too much text: give up the oldest half.
		if n = len(lines) / 2; n == 0 {
			return lines, nil
		}
		if start, err = r.back(p, n); err != nil {
			return nil, err
		}
	}
}

// After returns up to n lines that start at p.
func (r *Reader) After(p Pos, n int) ([]Line, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := newAssembler(p, n, Pos{})
	if err := r.feed(p, a); err != nil {
		return nil, err
	}
	return a.finish(), nil
}

// Search returns the first line at or after p (with backward: before p) whose
// text matches. found is false when there is none.
func (r *Reader) Search(ctx context.Context, p Pos, backward bool, match func([]byte) bool) (line Line, found bool, err error) {
	const batch = 4096
	for ctx.Err() == nil {
		var lines []Line
		if backward {
			lines, err = r.Before(p, batch)
		} else {
			lines, err = r.After(p, batch)
		}
		if err != nil || len(lines) == 0 {
			return Line{}, false, err
		}
		for i := range lines {
			l := lines[i]
			if backward {
				l = lines[len(lines)-1-i]
			}
			if match(l.Text) {
				return l, true, nil
			}
		}
		if p = lines[len(lines)-1].Next; backward {
			p = lines[0].Pos
		}
	}
	return Line{}, false, ctx.Err()
}

// Wait returns when the log may have grown beyond p, when its container has
// ended and nothing is beyond p (ended is true), or when ctx is done.
func (r *Reader) Wait(ctx context.Context, p Pos) (ended bool, err error) {
	return r.watch.until(ctx, func() (bool, bool, error) {
		written, err := flock.Held(filepath.Join(r.dir, lockName))
		if err != nil {
			return false, false, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		grown := false
		err = r.frames(p, func(frame) bool { grown = true; return false })
		return grown, !written && !grown, err
	})
}

// end is the position behind all there is.
func (r *Reader) end() (Pos, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	numbers, err := segments(r.dir)
	if err != nil || len(numbers) == 0 {
		return Pos{}, err
	}
	last := numbers[len(numbers)-1]
	data, err := r.load(last)
	return Pos{Segment: last, Offset: int64(len(data))}, err
}
