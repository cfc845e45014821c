package attach

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const chunkSize = 16 << 10

// readChunks reads r in a goroutine of its own and hands over what it read;
// the channel is closed at the end of r. end must be called: for a file it
// stops the reading and waits for that, so that no key typed later is lost in
// a forgotten Read.
func readChunks(r io.Reader, quit <-chan struct{}) (chunks <-chan []byte, end func()) {
	out := make(chan []byte)
	read, interrupt := r.Read, func(<-chan struct{}) {}
	if f, ok := r.(*os.File); ok {
		if p, err := newPoller(f); err == nil {
			read, interrupt = p.read, p.interrupt
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		copyChunks(read, out, quit)
	}()
	return out, func() { interrupt(done) }
}

func copyChunks(read func([]byte) (int, error), out chan<- []byte, quit <-chan struct{}) {
	defer close(out)
	for {
		buf := make([]byte, chunkSize)
		n, err := read(buf)
		if n > 0 {
			select {
			case out <- buf[:n]:
			case <-quit:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// poller reads a file such that a waiting read can be interrupted, whatever
// the file is: terminals are not opened for Go's own poller.
type poller struct {
	f      *os.File
	rd, wr *os.File // closing wr interrupts
}

func newPoller(f *os.File) (*poller, error) {
	rd, wr, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &poller{f: f, rd: rd, wr: wr}, nil
}

// interrupt ends read for good, waits for done, and frees what p holds.
func (p *poller) interrupt(done <-chan struct{}) {
	_ = p.wr.Close()
	<-done
	_ = p.rd.Close()
}

// read is Read that returns io.EOF when interrupted.
func (p *poller) read(b []byte) (int, error) {
	raw, err := p.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	wake, err := p.rd.SyscallConn()
	if err != nil {
		return 0, err
	}
	interrupted := false
	err = raw.Control(func(fd uintptr) {
		_ = wake.Control(func(wakeFD uintptr) { interrupted = pollEither(int(fd), int(wakeFD)) })
	})
	if err != nil || interrupted {
		return 0, io.EOF
	}
	return p.f.Read(b)
}

// pollEither waits for either descriptor and reports whether it was wake.
func pollEither(fd, wake int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		if err == unix.EINTR {
			continue
		}
		return err == nil && fds[1].Revents != 0
	}
}
