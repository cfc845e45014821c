package attach

import "bytes"

// scrollback is how much output a re-attaching client can be shown.
const scrollback = 64 << 10

// ring keeps the last bytes written to it. It grows with what it holds: a
// quiet session costs nothing.
type ring struct {
	buf     []byte
	start   int  // of the oldest byte, once full
	wrapped bool // older bytes were lost
}

func (r *ring) write(p []byte) {
	if len(p) >= scrollback {
		r.wrapped = r.wrapped || len(p) > scrollback || len(r.buf) > 0
		r.buf, r.start = append(r.buf[:0], p[len(p)-scrollback:]...), 0
		return
	}
	if room := scrollback - len(r.buf); room > 0 {
		n := min(room, len(p))
		r.buf = append(r.buf, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(r.buf[r.start:], p)
		r.start = (r.start + n) % scrollback
		p, r.wrapped = p[n:], true
	}
}

// bytes returns a copy of what the ring holds, beginning where a line or an
// escape sequence begins.
func (r *ring) bytes() []byte {
	b := append(append(make([]byte, 0, len(r.buf)), r.buf[r.start:]...), r.buf[:r.start]...)
	if !r.wrapped {
		return b
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[i+1:]
	}
	if i := bytes.IndexByte(b, 0x1b); i >= 0 {
		return b[i:]
	}
	for len(b) > 0 && b[0]&0xc0 == 0x80 { // the rest of a UTF-8 sequence
		b = b[1:]
	}
	return b
}
