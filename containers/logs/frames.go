package logs

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// frame is one frame of a segment. data is valid until the next one.
type frame struct {
	pos  Pos  // Byte is 0
	head bool // nothing older is left: a line that continues here begins here
	header
	data []byte
}

func (f frame) next() Pos {
	return Pos{Segment: f.pos.Segment, Offset: f.pos.Offset + headerSize + int64(f.size)}
}

// load returns the whole frames of a segment, reading only what is new since
// the last time. A segment that rotation has taken is empty. r.mu is held.
func (r *Reader) load(number uint64) ([]byte, error) {
	if r.seg.number != number {
		r.seg = cached{number: number, data: r.seg.data[:0]}
	}
	f, err := os.Open(segmentPath(r.dir, number))
	if errors.Is(err, os.ErrNotExist) {
		r.seg.data = r.seg.data[:0]
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	have := len(r.seg.data)
	more := int(fi.Size()) - have
	if more <= 0 {
		return r.seg.data, nil
	}
	buf := append(r.seg.data, make([]byte, more)...)
	n, err := f.ReadAt(buf[have:], int64(have))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	r.seg.data = buf[:have+wholeFrames(buf[have:have+n])]
	return r.seg.data, nil
}

// frames calls fn for the frame that holds p and every one behind it, until fn
// returns false. r.mu is held.
func (r *Reader) frames(p Pos, fn func(frame) bool) error {
	numbers, err := segments(r.dir)
	if err != nil {
		return err
	}
	for i, number := range numbers {
		if number < p.Segment {
			continue
		}
		data, err := r.load(number)
		if err != nil {
			return err
		}
		off := 0
		if number == p.Segment {
			off = int(min(p.Offset, int64(len(data))))
		}
		if !eachFrame(number, data, off, i == 0, fn) {
			return nil
		}
	}
	return nil
}

// eachFrame calls fn for the frames of a segment from off on.
func eachFrame(number uint64, data []byte, off int, head bool, fn func(frame) bool) bool {
	for len(data)-off >= headerSize {
		h, err := parseHeader(data[off:])
		if err != nil || len(data)-off-headerSize < h.size {
			return true // not a frame's start: p is from another log
		}
		body := data[off+headerSize : off+headerSize+h.size]
		if !fn(frame{pos: Pos{Segment: number, Offset: int64(off)}, head: head, header: h, data: body}) {
			return false
		}
		off += headerSize + h.size
	}
	return true
}

// feed gives a the frames from p on until it has enough.
func (r *Reader) feed(p Pos, a *assembler) error {
	numbers, err := segments(r.dir)
	if err != nil {
		return err
	}
	if len(numbers) > 0 && numbers[0] == p.Segment && p.Offset > 0 {
		data, err := r.load(p.Segment)
		if err != nil {
			return err
		}
		eachFrame(p.Segment, data, 0, true, func(f frame) bool {
			if f.pos.Offset >= p.Offset {
				return false
			}
			a.seen[f.stream-1] = true
			return true
		})
	}
	return r.frames(p, func(f frame) bool { return a.frame(f) })
}

// back returns the start of the line n lines before p, or of the first there
// is. It counts newlines and keeps nothing. r.mu is held.
func (r *Reader) back(p Pos, n int) (Pos, error) {
	numbers, err := segments(r.dir)
	if err != nil || n <= 0 {
		return p, err
	}
	start := p
	for i := len(numbers) - 1; i >= 0 && n > 0; i-- {
		if numbers[i] > p.Segment {
			continue
		}
		data, err := r.load(numbers[i])
		if err != nil {
			return Pos{}, err
		}
		c := counter{until: p}
		eachFrame(numbers[i], data, 0, i == 0, c.count)
		if c.lines == 0 {
			continue
		}
		c = counter{until: p, skip: max(c.lines-n, 0)}
		n -= c.skipless(numbers[i], data, i == 0)
		start = c.found
	}
	return start, nil
}

// counter counts the starts of lines before a position, and finds one of them.
type counter struct {
	until Pos
	skip  int // which start to find, from 0
	lines int
	found Pos
	done  bool
	seen  [2]bool
}

// skipless finds the start and returns how many lines begin from it on.
func (c *counter) skipless(number uint64, data []byte, head bool) int {
	eachFrame(number, data, 0, head, c.count)
	return c.lines - c.skip
}

func (c *counter) count(f frame) bool {
	limit := f.size
	switch {
	case !f.pos.before(c.until):
		return false
	case f.pos.Segment == c.until.Segment && f.pos.Offset == c.until.Offset:
		limit = int(min(c.until.Byte, int64(limit)))
	}
	first := f.starts(&c.seen)
	if limit == 0 {
		return true
	}
	inside := bytes.Count(f.data[:limit-1], newline)
	here := inside
	if first {
		here++
	}
	if !c.done && c.lines+here > c.skip {
		c.found, c.done = f.start(c.skip-c.lines, first), true
	}
	c.lines += here
	return true
}

var newline = []byte{'\n'}

// starts reports whether a line begins at the frame's first byte.
func (f frame) starts(seen *[2]bool) bool {
	old := seen[f.stream-1]
	seen[f.stream-1] = true
	return f.how != continues || f.head && !old
}

// start returns where the i-th line that begins in the frame begins.
func (f frame) start(i int, first bool) Pos {
	p := f.pos
	if first {
		i--
	}
	for ; i >= 0; i-- {
		p.Byte += int64(bytes.IndexByte(f.data[p.Byte:], '\n')) + 1
	}
	return p
}
