package logs

import "bytes"

// lookAhead bounds how far behind the lines asked for the end of one of them
// is looked for: a prompt may be followed by megabytes of the other stream.
const lookAhead = 4 << 20

// States of a stream within an assembler, beside the index of its open line.
const (
	none    = -1 // the next byte begins a line
	unknown = -2 // in a line that is not wanted
)

// assembler makes lines of frames: it joins those that continue each other and
// splits them at newlines.
type assembler struct {
	from  Pos
	limit int // lines
	until Pos // lines that start there or later are not wanted; zero: all are

	lines []Line
	open  [2]int
	seen  [2]bool // see frame.starts; set for what lies before from
	begun bool
	size  int // bytes of text
	full  bool
	next  Pos // where the first line not taken starts
	end   Pos // behind the last frame
	extra int // bytes looked at since full
}

func newAssembler(from Pos, limit int, until Pos) *assembler {
	return &assembler{from: from, limit: limit, until: until, open: [2]int{unknown, unknown}, end: from}
}

// frame takes a frame and reports whether it wants more.
func (a *assembler) frame(f frame) bool {
	s := f.stream - 1
	begins := f.starts(&a.seen)
	at := int64(0)
	if !a.begun && f.pos.Segment == a.from.Segment && f.pos.Offset == a.from.Offset {
		at, begins = min(a.from.Byte, int64(f.size)), true
	}
	a.begun = true
	if begins || a.open[s] == none {
		a.close(f.stream)
		a.start(f, at)
	}
	for rest := f.data[at:]; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			a.add(f.stream, rest)
			break
		}
		a.add(f.stream, rest[:i])
		a.terminate(f.stream)
		at += int64(i) + 1
		if rest = rest[i+1:]; len(rest) > 0 {
			a.start(f, at)
		}
		if a.satisfied() {
			return false
		}
	}
	a.end = f.next()
	if a.full {
		a.extra += f.size
	}
	return !a.satisfied()
}

func (a *assembler) satisfied() bool {
	if !a.full {
		return false
	}
	return a.open[0] < 0 && a.open[1] < 0 || a.extra > lookAhead
}

// start begins a line, unless there are enough.
func (a *assembler) start(f frame, at int64) {
	pos := f.pos
	pos.Byte = at
	if !a.full && (len(a.lines) >= a.limit || a.size >= maxBatch || a.until != Pos{} && !pos.before(a.until)) {
		a.full, a.next = true, pos
	}
	if a.full {
		a.open[f.stream-1] = unknown
		return
	}
	a.open[f.stream-1] = len(a.lines)
	a.lines = append(a.lines, Line{Pos: pos, Time: f.time(), Stream: f.stream, Partial: true})
}

// add adds text to the stream's open line.
func (a *assembler) add(s Stream, text []byte) {
	if i := a.open[s-1]; i >= 0 {
		a.lines[i].Text = append(a.lines[i].Text, text...)
		a.size += len(text)
	}
}

// terminate ends the stream's line at a newline.
func (a *assembler) terminate(s Stream) {
	a.close(s)
	a.open[s-1] = none
}

// close ends the stream's line: nothing will be added to it.
func (a *assembler) close(s Stream) {
	if i := a.open[s-1]; i >= 0 {
		a.lines[i].Partial = false
	}
}

// finish returns the lines with where each one's successor starts.
func (a *assembler) finish() []Line {
	last := a.end
	if a.full {
		last = a.next
	}
	for i := range a.lines {
		if i+1 < len(a.lines) {
			a.lines[i].Next = a.lines[i+1].Pos
		} else {
			a.lines[i].Next = last
		}
	}
	return a.lines
}
