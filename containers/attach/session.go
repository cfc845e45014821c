// Package attach is the conversation between a container's supervisor and
// whoever looks at the container: terminal bytes, signals, window sizes and the
// final exit code, over one unix socket. A client may leave at any time; the
// process goes on. The package starts no process and writes no record.
package attach

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Streams are the caller's ends of an attached process.
type Streams struct {
	In  io.Reader // nil: no input; its end closes the process's stdin
	Out io.Writer
	Err io.Writer // unused with a tty
	// DetachKeys leave the process running when read from In; empty: none.
	DetachKeys []byte
}

// Result says how Stream ended.
type Result struct {
	ExitCode int   // of the process; 255 when unknown
	Detached bool  // the caller left, the process runs on
	Lost     bool  // the supervisor vanished
	Dropped  int64 // output bytes this client was too slow for
}

// ErrLost means that the supervisor vanished in the middle of a conversation.
// The container's record tells, after reconciliation, how it ended.
var ErrLost = errors.New("lost the supervisor")

// Session is one client's view of a process: a container's main process or one
// started by exec. Stream may be called once; the other methods may be called
// at any time, also while it runs.
type Session struct {
	conn net.Conn
	r    *bufio.Reader // holds what arrived behind the reply
	id   string
	tty  bool

	writeMu sync.Mutex
}

// Adopt makes a session of a connection on which the other side has already
// attached us to the main process. r reads conn and may hold bytes of it.
func Adopt(conn net.Conn, r *bufio.Reader, tty bool) *Session {
	return &Session{conn: conn, r: r, tty: tty}
}

// Resize sets the size of the process's terminal, in cells.
func (s *Session) Resize(cols, rows uint16) error {
	return s.send(kindResize, packSize(cols, rows))
}

// Signal sends a signal, named as in signal(7), to the process.
func (s *Session) Signal(name string) error { return s.send(kindSignal, []byte(name)) }

// Tty reports whether the process has a terminal.
func (s *Session) Tty() bool { return s.tty }

// ID names the exec session; it is empty for the main process.
func (s *Session) ID() string { return s.id }

// Close leaves the process running.
func (s *Session) Close() error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_ = s.send(kindLeave, nil) // the other side may be gone, which is as good
	return s.conn.Close()
}

func (s *Session) send(k kind, payload []byte) error {
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	return writeFrame(s.conn, k, payload)
}

func packSize(cols, rows uint16) []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 4), cols)
	return binary.BigEndian.AppendUint16(b, rows)
}

func unpackSize(b []byte) (cols, rows uint16, ok bool) {
	if len(b) != 4 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), true
}
