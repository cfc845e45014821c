package images

import (
	"io"
	"sync"
)

// A pipe joins two stages of a pull through a bounded number of chunks, so that
// both run at once and memory stays flat. Unlike io.Pipe, a writer goes on
// while the reader works on what it has.
type pipe struct {
	full chan []byte
	free chan []byte
	gone chan struct{} // closed when the reader gave up
	once sync.Once
	err  error // why the writer ended; set before full is closed
	rest []byte
	last []byte
}

const (
	chunkSize  = 128 << 10
	chunkCount = 6
)

func newPipe() *pipe {
	p := &pipe{
		full: make(chan []byte, chunkCount),
		free: make(chan []byte, chunkCount),
		gone: make(chan struct{}),
	}
	for range chunkCount {
		p.free <- nil
	}
	return p
}

// fill copies r into the pipe until it ends; it is the writer's side, to be run
// once. The reader sees r's error.
func (p *pipe) fill(r io.Reader) error {
	err := p.pump(r)
	if err != io.EOF {
		p.err = err
	}
	close(p.full)
	return p.err
}

func (p *pipe) pump(r io.Reader) error {
	for {
		var chunk []byte
		select {
		case chunk = <-p.free:
		case <-p.gone:
			return io.ErrClosedPipe
		}
		if chunk == nil {
			chunk = make([]byte, chunkSize)
		}
		n, err := r.Read(chunk[:chunkSize])
		if n > 0 {
			select {
			case p.full <- chunk[:n]:
			case <-p.gone:
				return io.ErrClosedPipe
			}
		} else {
			p.free <- chunk
		}
		if err != nil {
			return err
		}
	}
}

// Read is the reader's side.
func (p *pipe) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.last != nil {
			p.free <- p.last
			p.last = nil
		}
		chunk, ok := <-p.full
		if !ok {
			if p.err != nil {
				return 0, p.err
			}
			return 0, io.EOF
		}
		p.last, p.rest = chunk, chunk
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// Close tells the writer that nobody reads on.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.gone) })
	return nil
}
