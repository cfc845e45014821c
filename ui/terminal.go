package ui

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"gantry/engine"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// resetModes undoes what a program that was left in the middle may have asked
// of the terminal: mouse reports, bracketed paste, a hidden cursor, application
// keys, colours, the scroll region. The alternate screen we enter ourselves.
const resetModes = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[?1l\x1b>\x1b[r\x1b[0m\r\n"

// terminal is the user's terminal while a process has it.
type terminal struct {
	in      *os.File // nil when it is not a terminal
	out     io.Writer
	outFile *os.File
	state   *term.State

	mu      sync.Mutex
	written int64 // bytes the process wrote
}

func openTerminal(in io.Reader, out io.Writer) (*terminal, error) {
	t := &terminal{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.outFile = f
	}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		state, err := term.MakeRaw(int(f.Fd()))
		if err != nil {
			return nil, err
		}
		t.in, t.state = f, state
	}
	return t, nil
}

func (t *terminal) restore() {
	if t.state != nil {
		_ = term.Restore(int(t.in.Fd()), t.state)
	}
}

// size is the terminal's, or the usual one when it has none.
func (t *terminal) size() (cols, rows uint16) {
	if t.outFile != nil {
		if w, h, err := term.GetSize(int(t.outFile.Fd())); err == nil && w > 0 && h > 0 {
			return uint16(w), uint16(h)
		}
	}
	return 80, 24
}

// follow passes changes of size on until ctx is done.
func (t *terminal) follow(ctx context.Context, s Session) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	defer signal.Stop(changed)
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			_ = s.Resize(t.size())
		}
	}
}

// Write passes the process's output on and counts it.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.written += int64(len(p))
	t.mu.Unlock()
	return t.out.Write(p)
}

// streams connects a session to the terminal. A process without a terminal of
// its own gets the little line handling it needs, because ours is raw.
func (t *terminal) streams(in io.Reader, s Session) engine.Streams {
	if s.Tty() {
		return engine.Streams{In: in, Out: t, Err: t}
	}
	out := newlines{t}
	return engine.Streams{In: &lineReader{in: in, echo: out, session: s}, Out: out, Err: out}
}

// newlines moves the cursor to the left at every line feed.
type newlines struct{ w io.Writer }

func (n newlines) Write(p []byte) (int, error) {
	if _, err := n.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// lineReader does for a process without a terminal what a terminal's driver
// would: it echoes, turns return into a line feed, ctrl-c into SIGINT and
// ctrl-d into the end of input.
type lineReader struct {
	in      io.Reader
	echo    io.Writer
	session Session
	ended   bool
}

func (l *lineReader) Read(p []byte) (int, error) {
	if l.ended {
		return 0, io.EOF
	}
	n, err := l.in.Read(p)
	kept := p[:0]
	for _, b := range p[:n] {
		switch b {
		case 0x03:
			_ = l.session.Signal("SIGINT")
		case 0x04:
			l.ended = true
		case '\r':
			kept = append(kept, '\n')
		default:
			kept = append(kept, b)
		}
	}
	_, _ = l.echo.Write(bytes.Clone(kept))
	return len(kept), err
}

// detachWait is how long the detach key waits to be pressed again.
const detachWait = 300 * time.Millisecond

// detachReader passes keys on until the detach key. Pressed twice, the key
// itself is passed on. When the terminal is gone that is leaving too: the end
// of our input must never end the container's.
type detachReader struct {
	in    cancelreader.CancelReader
	key   byte
	ctx   context.Context // of this one conversation
	leave context.CancelFunc
	timer *time.Timer // running while one press is pending

	readMu sync.Mutex // held while a Read is under way
}

func newDetachReader(in io.Reader, key byte, ctx context.Context, leave context.CancelFunc) (*detachReader, error) {
	r, err := cancelreader.NewReader(in)
	if err != nil {
		return nil, err
	}
	return &detachReader{in: r, key: key, ctx: ctx, leave: leave}, nil
}

// stop ends a pending Read without taking a key from whoever reads next.
func (d *detachReader) stop() {
	if d.in.Cancel() {
		d.readMu.Lock()
		defer d.readMu.Unlock()
		_ = d.in.Close()
	}
}

func (d *detachReader) Read(p []byte) (int, error) {
	d.readMu.Lock()
	defer d.readMu.Unlock()
	for {
		n, err := d.in.Read(p)
		kept, left := d.filter(p[:n])
		if kept > 0 {
			return kept, nil
		}
		if left || err != nil {
			d.leave()
			<-d.ctx.Done()
			return 0, d.ctx.Err()
		}
	}
}

// filter takes the detach key out of p and reports how many bytes stay, and
// whether to leave.
func (d *detachReader) filter(p []byte) (kept int, left bool) {
	for _, b := range p {
		pending := d.timer != nil && d.timer.Stop()
		d.timer = nil
		switch {
		case b == d.key && !pending:
			d.timer = time.AfterFunc(detachWait, d.leave)
		case b != d.key && pending:
			return 0, true
		default:
			p[kept] = b
			kept++
		}
	}
	return kept, false
}
