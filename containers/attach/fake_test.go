package attach

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a container whose processes are pipes in the hands of the test.
type fake struct {
	t       *testing.T
	path    string
	main    *Hub
	stdin   *os.File // what the main process reads
	server  *Server
	l       *net.UnixListener
	wg      sync.WaitGroup
	mu      sync.Mutex
	signals []string
	sizes   [][2]uint16
	paused  bool
	exec    func(ExecSpec) (*Hub, func(), error)
}

func newFake(t *testing.T, tty, once bool) *fake {
	t.Helper()
	f := &fake{t: t, path: filepath.Join(t.TempDir(), "sock")}
	f.main, f.stdin = f.process("", tty, once)
	f.server = NewServer(f, f.main)
	f.listen()
	return f
}

func (f *fake) listen() {
	f.t.Helper()
	var err error
	if f.l, err = Listen(f.path); err != nil {
		f.t.Fatal(err)
	}
	f.wg.Go(func() { f.server.Serve(f.l) })
	f.t.Cleanup(func() {
		_ = f.l.Close()
		f.main.Finish(0)
		f.server.Close()
		f.wg.Wait()
		_ = f.stdin.Close()
	})
}

func (f *fake) process(id string, tty, once bool) (*Hub, *os.File) {
	f.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		f.t.Fatal(err)
	}
	p := Process{ID: id, Args: []string{"prog"}, Tty: tty, Stdin: w, Once: once, Signal: func(name string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.signals = append(f.signals, name)
		return nil
	}}
	if tty {
		p.Resize = func(cols, rows uint16) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.sizes = append(f.sizes, [2]uint16{cols, rows})
			return nil
		}
	}
	return NewHub(p), r
}

func (f *fake) Exec(_ context.Context, spec ExecSpec) (*Hub, func(), error) { return f.exec(spec) }
func (f *fake) Pause() error {
	if f.paused {
		return errors.New("already paused")
	}
	f.paused = true
	return nil
}
func (f *fake) Unpause() error      { f.paused = false; return nil }
func (f *fake) Stats() (any, error) { return map[string]int{"pids": 3}, nil }

// attach joins and streams in the background.
type joined struct {
	*Session
	out, err lockedBuffer
	done     chan Result
}

func (f *fake) attach(o Options, st Streams) *joined {
	f.t.Helper()
	s, err := Attach(f.t.Context(), f.path, o)
	if err != nil {
		f.t.Fatal(err)
	}
	j := &joined{Session: s, done: make(chan Result, 1)}
	st.Out, st.Err = &j.out, &j.err
	go func() { res, _ := s.Stream(context.Background(), st); j.done <- res }()
	return j
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eventually waits for a condition that nothing announces.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func fds(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

func contains(s *lockedBuffer, text string) func() bool {
	return func() bool { return strings.Contains(s.String(), text) }
}
