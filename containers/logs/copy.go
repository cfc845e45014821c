package logs

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"time"
)

// timestamp is RFC 3339 with all nine digits, so that columns line up.
const timestamp = "2006-01-02T15:04:05.000000000Z07:00"

// Copy writes the log to stdout and stderr as o says. With Follow it goes on,
// also across rotation, until the container has ended.
func (r *Reader) Copy(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	p := Pos{}
	if o.Tail >= 0 {
		end, err := r.end()
		if err != nil {
			return err
		}
		r.mu.Lock()
		p, err = r.back(end, o.Tail)
		r.mu.Unlock()
		if err != nil {
			return err
		}
	}
	c := newCopier(o, p, stdout, stderr)
	for {
		if err := c.rest(ctx, r); err != nil || c.over || !o.Follow {
			return err
		}
		ended, err := r.Wait(ctx, c.at)
		if err != nil || ended {
			return err
		}
	}
}

// copier turns frames into bytes for two writers.
type copier struct {
	o     Options
	at    Pos
	out   [2]*bufio.Writer
	last  int
	state [2]lineState
	begun bool
	over  bool // the rest is later than Until
}

// lineState is what a stream's next byte belongs to.
type lineState byte

const (
	outside lineState = iota // a line whose beginning was not wanted
	fresh                    // a new line
	inside                   // a line that is being written
)

func newCopier(o Options, from Pos, stdout, stderr io.Writer) *copier {
	return &copier{o: o, at: from, out: [2]*bufio.Writer{
		bufio.NewWriterSize(stdout, 64<<10), bufio.NewWriterSize(stderr, 64<<10),
	}}
}

// rest copies what is there now. Between segments the reader is free for
// others.
func (c *copier) rest(ctx context.Context, r *Reader) error {
	for !c.over {
		before := c.at
		var failed error
		r.mu.Lock()
		err := r.frames(c.at, func(f frame) bool {
			if failed = c.frame(f); failed != nil || c.over {
				return false
			}
			moved := f.pos.Segment != before.Segment && before.Segment != 0
			c.at = f.next()
			return !moved && ctx.Err() == nil
		})
		r.mu.Unlock()
		for _, e := range []error{err, failed, ctx.Err(), c.flush()} {
			if e != nil {
				return e
			}
		}
		if c.at == before {
			return nil
		}
	}
	return nil
}

func (c *copier) flush() error {
	if err := c.out[c.last].Flush(); err != nil {
		return err
	}
	return c.out[1-c.last].Flush()
}

func (c *copier) frame(f frame) error {
	s := int(f.stream - 1)
	data := f.data
	first := !c.begun
	c.begun = true
	if !c.o.Until.IsZero() && f.time().After(c.o.Until) {
		c.over = true
		return nil
	}
	if f.time().Before(c.o.Since) {
		c.state[s] = outside
		return nil
	}
	switch {
	case f.how != continues:
		c.state[s] = fresh
		if f.how == pieces {
			c.state[s] = inside // of one long line
		}
	case c.state[s] == outside && c.whole(f, first):
		c.state[s] = fresh
	}
	if first && f.pos.Segment == c.at.Segment && f.pos.Offset == c.at.Offset && c.at.Byte > 0 {
		data, c.state[s] = data[min(c.at.Byte, int64(len(data))):], fresh
	}
	if c.last != s {
		if err := c.out[c.last].Flush(); err != nil { // keep the streams in order
			return err
		}
		c.last = s
	}
	return c.write(s, f.time(), data)
}

// whole reports whether a line that continues in f is to be written although
// its beginning is not: where the log begins, or where Tail does.
func (c *copier) whole(f frame, first bool) bool {
	return c.o.Since.IsZero() && (f.head && c.o.Tail < 0 || first)
}

func (c *copier) write(s int, t time.Time, data []byte) error {
	if c.state[s] == outside {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return nil
		}
		data, c.state[s] = data[i+1:], fresh
	}
	if !c.o.Timestamps {
		c.state[s] = inside
		_, err := c.out[s].Write(data)
		return err
	}
	for len(data) > 0 {
		if c.state[s] == fresh {
			stamp := t.UTC().AppendFormat(make([]byte, 0, 40), timestamp)
			if _, err := c.out[s].Write(append(stamp, ' ')); err != nil {
				return err
			}
		}
		n := bytes.IndexByte(data, '\n') + 1
		c.state[s] = fresh
		if n == 0 {
			n, c.state[s] = len(data), inside
		}
		if _, err := c.out[s].Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
