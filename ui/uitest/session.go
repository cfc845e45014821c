package uitest

import (
	"context"
	"fmt"
	"io"
	"sync"

	"gantry/engine"
)

// Session is a process that writes a greeting, echoes what it reads and exits
// at the letter q.
type Session struct {
	Greeting string
	NoTTY    bool
	Missing  bool // exits at once, as a program that is not there

	mu   sync.Mutex
	Got  []byte
	Sent []string // signals
}

// Stream plays the process.
func (s *Session) Stream(ctx context.Context, st engine.Streams) (engine.Result, error) {
	if s.Missing {
		return engine.Result{ExitCode: 127}, nil
	}
	_, _ = io.WriteString(st.Out, s.Greeting)
	keys := make(chan []byte)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(keys)
		buf := make([]byte, 256)
		for {
			n, err := st.In.Read(buf)
			if n > 0 {
				select {
				case keys <- append([]byte(nil), buf[:n]...):
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	for {
		select {
		case <-ctx.Done():
			return engine.Result{}, ctx.Err()
		case p, ok := <-keys:
			if !ok {
				return engine.Result{ExitCode: 255}, nil
			}
			s.mu.Lock()
			s.Got = append(s.Got, p...)
			s.mu.Unlock()
			if p[0] == 'q' {
				return engine.Result{ExitCode: 3}, nil
			}
			_, _ = fmt.Fprintf(st.Out, "<%s>", p)
		}
	}
}

// Input is what the process has read.
func (s *Session) Input() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.Got)
}

// Resize does nothing.
func (s *Session) Resize(_, _ uint16) error { return nil }

// Signal notes the signal.
func (s *Session) Signal(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Sent = append(s.Sent, name)
	return nil
}

// Tty reports whether the process has a terminal.
func (s *Session) Tty() bool { return !s.NoTTY }

// Close does nothing.
func (s *Session) Close() error { return nil }
