package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// A log is a directory of segments, 00000001.log and so on, of up to 4 MB; the
// oldest go when all together reach the cap. A segment is a row of frames, one
// for every piece of output as it was read:
//
//	1732290163123456789 o 0000012␊hello world␊
//	└─ unix time, ns ─┘ │ └ len ┘ └ the bytes, as they came
//	                    └ kind
//
// The kind is the stream and how the bytes go on from the stream's frame
// before: o and e (output, error) begin a line; O and E continue one. A line
// longer than 1 MiB is kept as several pieces, of which p and q (output,
// error) begin the second and later ones; a piece is read as a line.
//
// A frame is whole when all of its bytes are there. One that is not was being
// written when the machine or the supervisor died; readers stop before it and
// the next writer cuts it off.
//
// The file "lock" is held by the writer (flock) for as long as it lives, which
// is how a reader knows that nothing more will come.
const (
	headerSize = 30
	timeDigits = 19
	lenDigits  = 7
	suffix     = ".log"
	lockName   = "lock"
)

const (
	// maxFrame bounds a frame's bytes.
	maxFrame = 64 << 10
	// maxLine bounds a line; a longer one is read in pieces.
	maxLine = 1 << 20
	// segmentSize bounds a segment, unless the cap asks for less.
	segmentSize = 4 << 20
	// DefaultCap bounds a whole log, in bytes on disk.
	DefaultCap = 30 << 20
)

// continuity says how a frame goes on from the one before of its stream.
type continuity byte

const (
	begins continuity = iota
	continues
	pieces
)

// kinds is indexed by stream-1 and continuity.
var kinds = [2][3]byte{{'o', 'O', 'p'}, {'e', 'E', 'q'}}

type header struct {
	nanos  int64
	stream Stream
	how    continuity
	size   int
}

var errBadHeader = errors.New("damaged frame header")

// appendHeader appends exactly headerSize bytes.
func appendHeader(b []byte, h header) []byte {
	b = appendPadded(b, h.nanos, timeDigits)
	b = append(b, ' ', kinds[h.stream-1][h.how], ' ')
	b = appendPadded(b, int64(h.size), lenDigits)
	return append(b, '\n')
}

func appendPadded(b []byte, v int64, digits int) []byte {
	var tmp [20]byte
	s := strconv.AppendInt(tmp[:0], max(v, 0), 10)
	for range digits - len(s) {
		b = append(b, '0')
	}
	return append(b, s...)
}

// parseHeader reads the header at the start of b, which holds headerSize bytes.
func parseHeader(b []byte) (h header, err error) {
	nanos, ok1 := parseDigits(b[:timeDigits])
	size, ok2 := parseDigits(b[timeDigits+3 : timeDigits+3+lenDigits])
	if !ok1 || !ok2 || b[timeDigits] != ' ' || b[timeDigits+2] != ' ' || b[headerSize-1] != '\n' || size > maxFrame {
		return header{}, errBadHeader
	}
	h.nanos, h.size = nanos, int(size)
	for s, row := range kinds {
		for how, k := range row {
			if k == b[timeDigits+1] {
				h.stream, h.how = Stream(s+1), continuity(how)
				return h, nil
			}
		}
	}
	return header{}, errBadHeader
}

func parseDigits(b []byte) (int64, bool) {
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, v >= 0
}

func (h header) time() time.Time { return time.Unix(0, h.nanos) }

func segmentPath(dir string, n uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", n, suffix))
}

// segments lists the numbers of a log's segments, oldest first.
func segments(dir string) ([]uint64, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []uint64
	for _, name := range names {
		if filepath.Ext(name) != suffix {
			continue
		}
		if n, err := strconv.ParseUint(name[:len(name)-len(suffix)], 10, 64); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// wholeFrames returns how many leading bytes of b are whole frames.
func wholeFrames(b []byte) int {
	off := 0
	for len(b)-off >= headerSize {
		h, err := parseHeader(b[off:])
		if err != nil || len(b)-off-headerSize < h.size {
			break
		}
		off += headerSize + h.size
	}
	return off
}
