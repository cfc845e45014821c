package attach

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"
)

func TestStream(t *testing.T) {
	f := newFake(t, false, true)
	a := f.attach(Options{}, Streams{In: strings.NewReader("to the program")})
	b := f.attach(Options{NoStdin: true}, Streams{})
	got, err := io.ReadAll(f.stdin)
	if err != nil || string(got) != "to the program" {
		t.Errorf("program read %q, %v", got, err)
	}
	f.main.Output([]byte("out"))
	f.main.Errput([]byte("err"))
	if err := a.Signal("SIGUSR1"); err != nil {
		t.Error(err)
	}
	eventually(t, "the signal", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.signals) == 1 })
	f.main.Finish(42)
	for _, j := range []*joined{a, b} {
		if res := <-j.done; res != (Result{ExitCode: 42}) || j.out.String() != "out" || j.err.String() != "err" {
			t.Errorf("Stream = %+v, %q, %q", res, j.out.String(), j.err.String())
		}
	}
	if _, err := Attach(t.Context(), f.path, Options{}); err == nil {
		t.Error("attaching to an ended process succeeds")
	}
}

func TestFirstClientMissesNothing(t *testing.T) {
	f := newFake(t, false, true)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		if ends[i], err = net.FileConn(file); err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
	}
	release := f.main.AdoptFirst(ends[0])
	f.main.Output([]byte("first words"))
	if _, err := ends[0].Write([]byte("ready\n")); err != nil {
		t.Fatal(err)
	}
	release()
	r := bufio.NewReader(ends[1])
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatalf("first line %q, %v", line, err)
	}
	go f.main.Finish(3)
	var out bytes.Buffer
	res, err := Adopt(ends[1], r, false).Stream(t.Context(), Streams{Out: &out})
	if err != nil || res.ExitCode != 3 || out.String() != "first words" {
		t.Errorf("Stream = %+v, %v, %q", res, err, out.String())
	}
}

// TestStoppedClient has one client that reads nothing: the others and the
// process go on, and it is told what it missed.
func TestStoppedClient(t *testing.T) {
	f := newFake(t, false, true)
	stopped, err := Attach(t.Context(), f.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	reading, err := Attach(t.Context(), f.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	done := make(chan Result)
	go func() {
		res, _ := reading.Stream(context.Background(), Streams{Out: writerFunc(func(p []byte) { read += len(p) })})
		done <- res
	}()
	const total = 64 << 20
	chunk := bytes.Repeat([]byte("0123456789abcde\n"), 4096)
	begun := time.Now()
	for range total / len(chunk) {
		f.main.Output(chunk)
	}
	t.Logf("%d MB beside a client that reads nothing in %v", total>>20, time.Since(begun))
	finished := make(chan struct{})
	go func() { defer close(finished); f.main.Finish(0) }()
	if res := <-done; res.Dropped != 0 || read != total {
		t.Errorf("reading client: %+v, %d bytes", res, read)
	}
	got := 0
	res, err := stopped.Stream(t.Context(), Streams{Out: writerFunc(func(p []byte) { got += len(p) })}) // it wakes up late
	if err != nil || res.Dropped == 0 || res.Dropped+int64(got) != total {
		t.Errorf("stopped client: %+v, %v, %d bytes of %d", res, err, got, total)
	}
	<-finished
}

// TestSteadyClientLosesNothing has a client that is slower than the process.
func TestSteadyClientLosesNothing(t *testing.T) {
	f := newFake(t, false, true)
	s, err := Attach(t.Context(), f.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const total = 8 << 20
	go func() {
		chunk := make([]byte, 64<<10)
		for range total / len(chunk) {
			f.main.Output(chunk)
		}
		f.main.Finish(0)
	}()
	n := 0
	res, err := s.Stream(t.Context(), Streams{Out: writerFunc(func(p []byte) {
		n += len(p)
		time.Sleep(time.Duration(len(p)) * 20 * time.Nanosecond) // 50 MB/s
	})})
	if err != nil || res.Dropped != 0 || n != total {
		t.Errorf("Stream = %+v, %v, %d bytes of %d", res, err, n, total)
	}
}

type writerFunc func([]byte)

func (w writerFunc) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestAttachAndDieLeavesNothing(t *testing.T) {
	f := newFake(t, true, false)
	baseFDs, baseGo := fds(t), runtime.NumGoroutine()
	for range 500 {
		s, err := Attach(t.Context(), f.path, Options{Replay: true, Cols: 80, Rows: 24})
		if err != nil {
			t.Fatal(err)
		}
		f.main.Output([]byte("some output"))
		_ = s.conn.Close() // as the kernel does for a killed client
	}
	eventually(t, "descriptors and goroutines are back", func() bool {
		return fds(t) <= baseFDs && runtime.NumGoroutine() <= baseGo
	})
	if n := f.main.Info().Clients; n != 0 {
		t.Errorf("%d clients are still counted\n%s", n, stacks())
	}
}

func TestInputNobodyReadsHoldsNothingUp(t *testing.T) {
	f := newFake(t, true, false)
	in, typed := io.Pipe()
	j := f.attach(Options{}, Streams{In: in})
	go func() { _, _ = typed.Write(make([]byte, 4<<20)) }() // more than pipe and window take
	if err := j.Resize(132, 43); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the resize", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.sizes) == 1 && f.sizes[0] == [2]uint16{132, 43}
	})
	f.main.Finish(1)
	_ = typed.Close()
	if res := <-j.done; res.ExitCode != 1 {
		t.Errorf("Stream = %+v", res)
	}
}

func TestWhoClosesInput(t *testing.T) {
	for _, c := range []struct {
		name   string
		once   bool
		leave  func(*joined)
		closed bool
	}{
		{"dropped, once", true, func(j *joined) { _ = j.conn.Close() }, true},
		{"dropped", false, func(j *joined) { _ = j.conn.Close() }, false},
		{"left, once", true, func(j *joined) { _ = j.Close() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, false, c.once)
			in, typed := io.Pipe()
			defer typed.Close()
			j := f.attach(Options{}, Streams{In: in})
			eventually(t, "attached", func() bool { return f.main.Info().Clients == 1 })
			c.leave(j)
			<-j.done
			eventually(t, "gone", func() bool { return f.main.Info().Clients == 0 })
			if c.closed {
				if _, err := io.ReadAll(f.stdin); err != nil {
					t.Error(err)
				}
				return
			}
			k := f.attach(Options{}, Streams{In: strings.NewReader("on")})
			buf := make([]byte, 2)
			if _, err := io.ReadFull(f.stdin, buf); err != nil || string(buf) != "on" {
				t.Errorf("program read %q, %v", buf, err)
			}
			_ = k.Close()
		})
	}
}

func TestDetach(t *testing.T) {
	f := newFake(t, true, true)
	in, typed := io.Pipe()
	defer typed.Close()
	j := f.attach(Options{}, Streams{In: in, DetachKeys: []byte{16, 17}})
	go func() { _, _ = typed.Write([]byte("ab\x10c\x10\x11lost")) }()
	if res := <-j.done; !res.Detached || res.ExitCode != 0 {
		t.Errorf("Stream = %+v", res)
	}
	buf := make([]byte, 4)
	if _, err := io.ReadFull(f.stdin, buf); err != nil || string(buf) != "ab\x10c" {
		t.Errorf("program read %q, %v", buf, err)
	}
}

func TestPartialDetachSequenceIsForwardedInTime(t *testing.T) {
	f := newFake(t, true, true)
	in, typed := io.Pipe()
	defer typed.Close()
	j := f.attach(Options{}, Streams{In: in, DetachKeys: []byte{16, 17}})
	go func() { _, _ = typed.Write([]byte{16}) }()
	buf := make([]byte, 1)
	if _, err := io.ReadFull(f.stdin, buf); err != nil || buf[0] != 16 {
		t.Errorf("program read %q, %v", buf, err)
	}
	_ = j.Close()
	<-j.done
}

func TestContextEndsStream(t *testing.T) {
	f := newFake(t, true, true)
	s, err := Attach(t.Context(), f.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stream(ctx, Streams{In: r}); !errors.Is(err, context.Canceled) {
		t.Errorf("Stream = %v", err)
	}
	// No forgotten Read takes the next key.
	_, _ = w.Write([]byte("k"))
	buf := make([]byte, 1)
	if _, err := r.Read(buf); err != nil || buf[0] != 'k' {
		t.Errorf("next key = %q, %v", buf, err)
	}
}

func TestLost(t *testing.T) {
	f := newFake(t, true, true)
	j := f.attach(Options{}, Streams{})
	eventually(t, "attached", func() bool { return f.main.Info().Clients == 1 })
	f.main.mu.Lock()
	for c := range f.main.clients {
		_ = c.conn.Close()
	}
	f.main.mu.Unlock()
	if res := <-j.done; !res.Lost || res.ExitCode != 255 {
		t.Errorf("Stream = %+v", res)
	}
	if _, err := Wait(t.Context(), filepath.Join(t.TempDir(), "sock")); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Wait without a socket = %v", err)
	}
}

func TestRequests(t *testing.T) {
	f := newFake(t, true, true)
	ctx := t.Context()
	f.exec = func(spec ExecSpec) (*Hub, func(), error) {
		if spec.Args[0] == "nosuch" {
			return nil, nil, &Error{Code: 127, Text: "not found"}
		}
		h, stdin := f.process("e1", false, true)
		return h, func() {
			go func() {
				h.Output([]byte(strings.Join(spec.Args, " ")))
				f.server.Drop("e1")
				h.Finish(9)
				_ = stdin.Close()
			}()
		}, nil
	}
	s, err := Exec(ctx, f.path, ExecSpec{Args: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if res, err := s.Stream(ctx, Streams{Out: &out}); err != nil || res.ExitCode != 9 || out.String() != "a b" || s.ID() != "e1" {
		t.Errorf("exec = %+v, %v, %q, %q", res, err, out.String(), s.ID())
	}
	var said *Error
	if _, err := Exec(ctx, f.path, ExecSpec{Args: []string{"nosuch"}}); !errors.As(err, &said) || said.Code != 127 {
		t.Errorf("exec nosuch = %v", err)
	}
	list, err := List(ctx, f.path)
	if d := cmp.Diff([]Info{{Args: []string{"prog"}, Tty: true}}, list); d != "" || err != nil {
		t.Errorf("List: %v %s", err, d)
	}
	if err := Pause(ctx, f.path); err != nil {
		t.Error(err)
	}
	if err := Pause(ctx, f.path); err == nil || err.Error() != "already paused" {
		t.Errorf("second Pause = %v", err)
	}
	if err := Unpause(ctx, f.path); err != nil {
		t.Error(err)
	}
	var st map[string]int
	if err := Stats(ctx, f.path, &st); err != nil || st["pids"] != 3 {
		t.Errorf("Stats = %v, %v", st, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Wait(cancelled, f.path); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Wait = %v", err)
	}
	go f.main.Finish(4)
	if code, err := Wait(ctx, f.path); code != 4 || err != nil {
		t.Errorf("Wait = %d, %v", code, err)
	}
}

func TestLongSocketPath(t *testing.T) {
	f := newFake(t, true, true)
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 150))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_ = f.l.Close()
	f.wg.Wait()
	f.path = filepath.Join(dir, "sock")
	f.listen()
	if _, err := List(t.Context(), f.path); err != nil {
		t.Error(err)
	}
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil || bytes.Contains(table, []byte("@"+f.path)) {
		t.Errorf("abstract socket, or %v", err)
	}
}

func TestReplay(t *testing.T) {
	f := newFake(t, true, true)
	f.main.Output([]byte("before\x1b[6n$ "))
	j := f.attach(Options{Replay: true}, Streams{})
	eventually(t, "the replay", contains(&j.out, "before$ "))
	k := f.attach(Options{}, Streams{})
	eventually(t, "both are attached", func() bool { return f.main.Info().Clients == 2 })
	f.main.Output([]byte("after"))
	eventually(t, "live output", contains(&k.out, "after"))
	if got := k.out.String(); got != "after" {
		t.Errorf("without replay: %q", got)
	}
	_, _ = j.Close(), k.Close()
}

func TestGarbageIsRefused(t *testing.T) {
	f := newFake(t, true, true)
	for _, junk := range []string{"GET / HTTP/1.1\r\n\r\n", "Q\x00\x00\x00\x02{}", "Q\xff\xff\xff\xff", "Q\x00\x00\x00\x01{"} {
		conn, err := net.Dial("unix", f.path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprint(conn, junk)
		_, _ = io.Copy(io.Discard, conn) // until it hangs up
		_ = conn.Close()
	}
}
