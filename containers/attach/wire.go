package attach

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Everything on the socket is a frame:
//
//	+------+--------------------------+----------------+
//	| kind | length, 4 bytes, network | length bytes   |
//	+------+--------------------------+----------------+
//
// A connection carries one request. Attach and exec go on as a stream until
// either side leaves; every other request ends with its reply.
//
//	client                                     supervisor
//	   | -- request  {"op":"attach",…} ---------->  |
//	   | <- reply    {"tty":true,"id":…}            |  or {"error":…,"code":…}
//	   |                                            |
//	   | -- input    bytes ---------------------->  |  at most window bytes
//	   | <- credit   u32: so much input was taken   |  not yet credited
//	   | -- closeInput -------------------------->  |
//	   | -- resize   u16 columns, u16 rows ------>  |
//	   | -- signal   name ----------------------->  |
//	   | <- output   bytes of standard output       |
//	   | <- errput   bytes of standard error        |
//	   | <- dropped  u64: bytes lost at this point  |
//	   | -- leave ------------------------------->  |  input stays open
//	   | <- exit     {"code":…}                     |  always the last frame
//
// The client run by `run` holds the other end of a socket pair; for it the
// request and reply are replaced by launch's ready line.
type kind byte

const (
	kindRequest    kind = 'Q'
	kindReply      kind = 'R'
	kindInput      kind = 'i'
	kindCloseInput kind = 'c'
	kindResize     kind = 'z'
	kindSignal     kind = 'k'
	kindLeave      kind = 'l'
	kindOutput     kind = 'o'
	kindErrput     kind = 'e'
	kindDropped    kind = 'd'
	kindCredit     kind = 'a'
	kindExit       kind = 'x'
)

const (
	headerSize = 5
	// window bounds the input a client may have under way, so that a program
	// that reads nothing holds up neither resizes nor signals.
	window = 64 << 10
	// maxRequest bounds a request: an exec with a large environment fits.
	maxRequest = 2 << 20
	// maxFrame bounds every other frame.
	maxFrame = 256 << 10
)

// ErrProtocol means that the other side does not speak this protocol.
var ErrProtocol = errors.New("attach protocol violated")

func appendFrame(b []byte, k kind, payload []byte) []byte {
	b = append(b, byte(k), 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(len(payload)))
	return append(b, payload...)
}

func writeFrame(w io.Writer, k kind, payload []byte) error {
	_, err := w.Write(appendFrame(make([]byte, 0, headerSize+len(payload)), k, payload))
	return err
}

func writeJSON(w io.Writer, k kind, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFrame(w, k, payload)
}

// readFrame reads one frame into buf, which it grows as needed up to limit.
// The payload is valid until the next call with the same buffer.
func readFrame(r *bufio.Reader, buf []byte, limit int) (kind, []byte, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n > limit {
		return 0, nil, fmt.Errorf("frame of %d bytes: %w", n, ErrProtocol)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return 0, nil, fmt.Errorf("frame cut short: %w", io.ErrUnexpectedEOF)
	}
	return kind(head[0]), buf, nil
}

// request opens a connection. Only the fields of its op are set.
type request struct {
	Op      string    `json:"op"`
	Session string    `json:"session,omitempty"` // attach, wait, signal, resize
	Replay  bool      `json:"replay,omitempty"`  // attach
	Stdin   bool      `json:"stdin,omitempty"`   // attach
	Cols    uint16    `json:"cols,omitempty"`    // attach, resize
	Rows    uint16    `json:"rows,omitempty"`
	Signal  string    `json:"signal,omitempty"`
	Exec    *ExecSpec `json:"exec,omitempty"`
}

// The requests.
const (
	opAttach  = "attach"
	opExec    = "exec"
	opList    = "list"
	opWait    = "wait"
	opSignal  = "signal"
	opResize  = "resize"
	opPause   = "pause"
	opUnpause = "unpause"
	opStats   = "stats"
)

// reply answers a request. Error is empty on success.
type reply struct {
	Error    string          `json:"error,omitempty"`
	Code     int             `json:"code,omitempty"` // exit code that goes with Error
	ID       string          `json:"id,omitempty"`
	Tty      bool            `json:"tty,omitempty"`
	Exit     *exitStatus     `json:"exit,omitempty"` // wait
	Sessions []Info          `json:"sessions,omitempty"`
	Stats    json.RawMessage `json:"stats,omitempty"`
}

type exitStatus struct {
	Code int `json:"code"`
}

// Error is what a supervisor answered instead of doing what was asked.
type Error struct {
	Code int // exit code a command should end with: 125, 126, 127; 0: none
	Text string
}

func (e *Error) Error() string { return e.Text }

// ExitCode is what the command that asked exits with; 0 leaves it to the
// command.
func (e *Error) ExitCode() int { return e.Code }

// Info describes a process that can be attached to.
type Info struct {
	ID      string   `json:"id,omitempty"` // "" for the main process
	Args    []string `json:"args"`
	Tty     bool     `json:"tty,omitempty"`
	Clients int      `json:"clients"` // attached right now
}

// ExecSpec describes a process to start in the container.
type ExecSpec struct {
	Args       []string `json:"args"`
	Env        []string `json:"env,omitempty"` // added to the container's
	WorkingDir string   `json:"workingDir,omitempty"`
	User       string   `json:"user,omitempty"`
	Tty        bool     `json:"tty,omitempty"`
	OpenStdin  bool     `json:"openStdin,omitempty"`
	Detach     bool     `json:"detach,omitempty"` // nobody is attached at first
	Cols       uint16   `json:"cols,omitempty"`
	Rows       uint16   `json:"rows,omitempty"`
}
