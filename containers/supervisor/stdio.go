package supervisor

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"gantry/containers/attach"
	"gantry/containers/runtime"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize lets a program write ahead while its output is being logged.
	pipeSize = 256 << 10
	readSize = 64 << 10
)

// stdio is our side of a process's standard streams.
type stdio struct {
	child    runtime.Stdio
	stdin    *os.File // nil: none
	out, err *os.File // err is nil with a terminal, which is out and stdin
	pumps    sync.WaitGroup
}

func newStdio(tty, openStdin bool, cols, rows uint16) (_ *stdio, err error) {
	s := &stdio{child: runtime.Stdio{Tty: tty, Cols: cols, Rows: rows}}
	if tty {
		return s, nil
	}
	defer func() {
		if err != nil {
			s.closeChild()
			s.close()
		}
	}()
	if openStdin {
		if s.child.Stdin, s.stdin, err = pipe(false); err != nil {
			return nil, err
		}
	}
	if s.out, s.child.Stdout, err = pipe(true); err != nil {
		return nil, err
	}
	s.err, s.child.Stderr, err = pipe(true)
	return s, err
}

// pipe makes a pipe of which our end, the reading one if ours is so, works with
// deadlines and the other blocks, as programs expect.
func pipe(reading bool) (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("pipe: %w", err)
	}
	ours := fds[1]
	if reading {
		ours = fds[0]
		_, _ = unix.FcntlInt(uintptr(ours), unix.F_SETPIPE_SZ, pipeSize) // a limit may forbid it
	}
	if err := unix.SetNonblock(ours, true); err != nil {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
		return nil, nil, fmt.Errorf("pipe: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}

// started takes the terminal, if there is one, and closes what is the child's.
func (s *stdio) started(p *runtime.Process, openStdin bool) {
	s.closeChild()
	if s.child.Tty {
		s.out = p.Master
		if openStdin {
			s.stdin = p.Master
		}
	}
}

func (s *stdio) closeChild() {
	for _, f := range []*os.File{s.child.Stdin, s.child.Stdout, s.child.Stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// close closes our ends; stdin is the hub's once there is one.
func (s *stdio) close() {
	for _, f := range []*os.File{s.out, s.err} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// resize is nil without a terminal.
func (s *stdio) resize() func(cols, rows uint16) error {
	if !s.child.Tty {
		return nil
	}
	return func(cols, rows uint16) error {
		raw, err := s.out.SyscallConn()
		if err != nil {
			return err
		}
		var set error
		err = raw.Control(func(fd uintptr) {
			set = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows})
		})
		return errors.Join(err, set)
	}
}

// pump begins to read; out and errs take what comes, in order per stream.
func (s *stdio) pump(out, errs func([]byte)) {
	s.pumps.Go(func() { copyOut(s.out, out) })
	if s.err != nil {
		s.pumps.Go(func() { copyOut(s.err, errs) })
	}
}

// drain reads what an ended process has left in its streams, and ends the
// pumps. It does not wait for others that hold the streams open: what the
// process wrote is there when it has ended.
func (s *stdio) drain() {
	past := time.Unix(1, 0)
	_ = s.out.SetReadDeadline(past)
	if s.err != nil {
		_ = s.err.SetReadDeadline(past)
	}
	s.pumps.Wait()
}

// copyOut hands what f yields to take until its end, or until a deadline says
// that only what is there now counts.
func copyOut(f *os.File, take func([]byte)) {
	buf := make([]byte, readSize)
	for {
		n, err := f.Read(buf)
		if n > 0 {
			take(buf[:n])
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			leftover(f, buf, take)
			return
		}
		if err != nil {
			return
		}
	}
}

func leftover(f *os.File, buf []byte, take func([]byte)) {
	if f.SetReadDeadline(time.Time{}) != nil {
		return
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n, _ = ignoringEINTR(func() (int, error) { return unix.Read(int(fd), buf) })
			return true // never wait
		})
		if err != nil || n <= 0 {
			return
		}
		take(buf[:n])
	}
}

func ignoringEINTR(read func() (int, error)) (int, error) {
	for {
		n, err := read()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// hub makes the hub of a started process.
func (s *stdio) hub(id string, args []string, once bool, signal func(string) error) *attach.Hub {
	return attach.NewHub(attach.Process{
		ID: id, Args: args, Tty: s.child.Tty, Stdin: s.stdin, Once: once, Signal: signal, Resize: s.resize(),
	})
}
