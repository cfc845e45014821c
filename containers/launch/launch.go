// Package launch starts a container's supervisor: this same program, executed
// anew in a session and mount namespace of its own. The supervisor owns nothing
// of its caller: no terminal, no descriptor, no working directory. The package
// does not know what a supervisor does, only how it says that it is ready.
package launch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gantry/containers/attach"
	"gantry/internal/flock"

	"golang.org/x/sys/unix"
)

// ReadyFD is the end of the connection that a supervisor is started with, beside
// the standard three.
const ReadyFD = 3

// Command is the supervisor's first argument.
const Command = "supervise"

// Files of a running container, in its run directory.
const (
	SocketFile = "sock"
	LogFile    = "supervisor.log"
)

// Input is what starting a supervisor takes.
type Input struct {
	ID     string
	RunDir string      // $RUN/c/<id>, which exists
	Lock   *flock.Lock // on RunDir/lock, held; it passes to the supervisor
	Start  Start
	Attach bool     // the caller is attached before the program's first byte
	Stdin  bool     // and types into it
	Env    []string // the supervisor's environment; nil: only what it needs
	Spare  *Spare   // becomes the supervisor, if it can; nil: none. Not with Env
}

// StartError is what kept a container from starting, with the exit code that
// goes with it.
type StartError = attach.Error

// Ready is the supervisor's one line of answer.
type Ready struct {
	Ready bool   `json:"ready,omitempty"`
	Pid   int    `json:"pid,omitempty"` // of the container's main process
	Tty   bool   `json:"tty,omitempty"`
	Error string `json:"error,omitempty"`
	Code  int    `json:"code,omitempty"`
}

// Supervisor starts the supervisor of in.ID and returns when the program runs.
// in.Lock is released here in any case: after success the supervisor holds it.
// The session is nil without in.Attach. An error that the supervisor reports is
// a *StartError with its exit code; it has cleaned up then.
//
// When ctx is done before the answer, the supervisor is killed, and with it
// what it has started; its leftovers are swept from the intent record.
func Supervisor(ctx context.Context, in Input) (*attach.Session, error) {
	defer in.Lock.Unlock()
	words, err := os.OpenFile(filepath.Join(in.RunDir, LogFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fs.FileMode(0o600))
	if err != nil {
		return nil, err
	}
	defer words.Close()
	child, ours, err := in.supervisor(words)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(ours, 64<<10)
	var ready Ready
	if err = tell(ours, in.start(), in.Lock.File(), words); err == nil {
		ready, err = answer(ctx, ours, r)
	}
	if err != nil || !in.Attach {
		_ = ours.Close()
	}
	if err != nil {
		if ready.Error == "" {
			child.kill()
			err = describe(err, in.RunDir)
		}
		child.reap()
		return nil, err
	}
	child.reapLater()
	if !in.Attach {
		return nil, nil
	}
	return attach.Adopt(ours, r, ready.Tty), nil
}

// supervisor is the spare if there is one, or else a new one.
func (in Input) supervisor(words *os.File) (*child, *net.UnixConn, error) {
	if in.Spare.take() {
		return in.Spare.child, in.Spare.conn, nil
	}
	env := in.Env
	if env == nil {
		env = environment()
	}
	Quicken()
	return spawn(in.ID, env, words)
}

func (in Input) start() Start {
	s := in.Start
	s.ID, s.RunDir, s.Attach, s.Stdin = in.ID, in.RunDir, in.Attach, in.Stdin
	return s
}

// socketPair makes the pair; the end that stays works with deadlines.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket pair: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "supervisor")
	f := os.NewFile(uintptr(fds[0]), "supervisor")
	conn, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// answer reads the ready line.
func answer(ctx context.Context, conn net.Conn, r *bufio.Reader) (Ready, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	line, err := r.ReadSlice('\n')
	if !stop() && err == nil {
		_ = conn.SetReadDeadline(time.Time{}) // ready came first
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Ready{}, err
	}
	var ready Ready
	if err := json.Unmarshal(line, &ready); err != nil {
		return Ready{}, fmt.Errorf("supervisor's answer: %w", err)
	}
	if ready.Error != "" {
		return ready, &StartError{Code: ready.Code, Text: ready.Error}
	}
	return ready, nil
}

// describe adds the last words of a supervisor that died without an answer.
func describe(err error, runDir string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	words, readErr := os.ReadFile(filepath.Join(runDir, LogFile))
	if text := lastLine(string(words)); readErr == nil && text != "" {
		return &StartError{Code: 125, Text: "supervisor died: " + text}
	}
	return &StartError{Code: 125, Text: "supervisor died before it was ready"}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
