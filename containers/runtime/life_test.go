package runtime

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func execIn(t testing.TB, r *running, e ExecSpec) (string, int) {
	t.Helper()
	if e.Env == nil {
		e.Env = []string{"PATH=/bin"}
	}
	rd, w, err := os.Pipe()
	check(t, err)
	p, err := r.Container.Exec(e, Stdio{Stdout: w, Stderr: w})
	_ = w.Close()
	check(t, err)
	out, err := io.ReadAll(rd)
	check(t, err)
	st, err := p.Wait()
	check(t, err)
	return string(out), st.Code
}

func TestExec(t *testing.T) {
	r := start(t, specOf(t, "/bin/sleep", "100"))
	out, code := execIn(t, r, ExecSpec{Args: []string{"sh", "-c", "grep -E 'Cap(Eff|Bnd)|Seccomp:' /proc/self/status; pwd; id -u; hostname; exit 5"}, Cwd: "/tmp"})
	want := "CapEff:\t00000000800405fb\nCapBnd:\t00000000800405fb\nSeccomp:\t2\n/tmp\n0\nbox\n"
	if out != want || code != 5 {
		t.Errorf("exec = %q, %d, want %q, 5", out, code, want)
	}
	out, _ = execIn(t, r, ExecSpec{Args: []string{"sh", "-c", "id -u; id -g; grep CapEff /proc/self/status"}, UID: 33, GID: 44})
	if want := "33\n44\nCapEff:\t0000000000000000\n"; out != want {
		t.Errorf("exec as 33:44 = %q, want %q", out, want)
	}
	check(t, r.Container.Signal(unix.SIGKILL))
	_, _ = r.Process.Wait()
	if _, err := r.Container.Exec(ExecSpec{Args: []string{"true"}}, Stdio{}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Exec in a dead container = %v, want ErrNotRunning", err)
	}
}

func TestStartErrors(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		code       int
		change     func(*Spec)
	}{
		{"missing", `exec: "nosuch": executable file not found in $PATH`, 127, func(s *Spec) { s.Args = []string{"nosuch"} }},
		{"missing path", `exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory`, 127, func(s *Spec) { s.Args = []string{"/bin/nosuch"} }},
		{"directory", `exec: "/etc": is a directory`, 126, func(s *Spec) { s.Args = []string{"/etc"} }},
		{"not executable", `exec: "/plain": permission denied`, 126, func(s *Spec) { s.Args = []string{"/plain"} }},
		{"no command", "no command specified", 125, func(s *Spec) { s.Args = nil }},
		{"user", "uids and gids must be in range 0-2147483647", 125, func(s *Spec) { s.UID = 1 << 31 }},
		{"work directory", "mkdir /plain: not a directory", 125, func(s *Spec) { s.Cwd = "/plain" }},
		{"descriptor", "mkdir /proc/self/fd/7: ", 125, func(s *Spec) { s.Cwd = "/proc/self/fd/7" }},
		{"file on directory", "not a directory", 125, func(s *Spec) {
			s.Mounts = []Mount{{Source: "/etc/passwd", Destination: "/etc", Type: "bind", Options: []string{"rbind"}}}
		}},
		{"id", "not a plain name", 125, func(s *Spec) { s.ID = "../x" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := specOf(t, "/bin/true")
			check(t, os.WriteFile(filepath.Join(spec.Rootfs, "plain"), nil, 0o644))
			tc.change(&spec)
			c, err := Create(spec)
			if err == nil {
				defer assertGone(t, c)
				_, err = c.Start(Stdio{})
			}
			var se *StartError
			if !errors.As(err, &se) || se.Code != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("start = %v (%+v), want %d %q", err, se, tc.code, tc.want)
			}
			if err != nil && (strings.Contains(err.Error(), "libcontainer") || strings.Contains(err.Error(), "runc")) {
				t.Errorf("the library shows: %v", err)
			}
		})
	}
}

func TestExecErrors(t *testing.T) {
	r := start(t, specOf(t, "/bin/sleep", "100"))
	for _, tc := range []struct {
		arg, cwd, want string
		code           int
	}{
		{"nosuch", "", `exec: "nosuch": executable file not found in $PATH`, 127},
		{"/etc", "", `exec: "/etc": is a directory`, 126},
		{"true", "/nosuch", `working directory "/nosuch": no such file or directory`, 126},
	} {
		_, err := r.Container.Exec(ExecSpec{Args: []string{tc.arg}, Env: []string{"PATH=/bin"}, Cwd: tc.cwd}, Stdio{})
		var se *StartError
		if !errors.As(err, &se) || se.Code != tc.code || err.Error() != tc.want {
			t.Errorf("exec %s = %v (%+v), want %d %q", tc.arg, err, se, tc.code, tc.want)
		}
	}
}

func TestTty(t *testing.T) {
	spec := specOf(t, "/bin/sh", "-c", "stty size; [ -t 0 ] && echo tty; read x; stty size; exit 3")
	c, err := Create(spec)
	check(t, err)
	t.Cleanup(func() { assertGone(t, c) })
	p, err := c.Start(Stdio{Tty: true, Cols: 132, Rows: 50})
	check(t, err)
	defer p.Master.Close()
	check(t, c.Release())
	in := bufio.NewReader(p.Master)
	line := func() string {
		s, err := in.ReadString('\n')
		check(t, err)
		return strings.TrimSpace(s)
	}
	if got := line() + " " + line(); got != "50 132 tty" {
		t.Errorf("terminal = %q, want 50 132 tty", got)
	}
	check(t, p.Resize(99, 30))
	_, err = p.Master.WriteString("\n")
	check(t, err)
	line() // the echo
	if got := line(); got != "30 99" {
		t.Errorf("after resizing = %q, want 30 99", got)
	}
	if st, err := p.Wait(); err != nil || st.Code != 3 {
		t.Errorf("Wait() = %v, %v, want 3", st, err)
	}
}

func TestExecTty(t *testing.T) {
	r := start(t, specOf(t, "/bin/sleep", "100"))
	p, err := r.Container.Exec(ExecSpec{Args: []string{"/bin/stty", "size"}, Tty: true}, Stdio{Tty: true})
	check(t, err)
	defer p.Master.Close()
	got, err := bufio.NewReader(p.Master).ReadString('\n')
	check(t, err)
	if got != "24 80\r\n" {
		t.Errorf("size = %q, want 24 80", got)
	}
	_, _ = p.Wait()
}

// The terminal's reader ends when it is closed, even while it waits.
func TestMasterCloses(t *testing.T) {
	spec := specOf(t, "/bin/sleep", "100")
	c, err := Create(spec)
	check(t, err)
	t.Cleanup(func() { assertGone(t, c) })
	p, err := c.Start(Stdio{Tty: true})
	check(t, err)
	check(t, c.Release())
	done := make(chan error, 1)
	go func() {
		_, err := p.Master.Read(make([]byte, 1))
		done <- err
	}()
	check(t, p.Master.Close())
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("Read goes on after Close")
	}
}

func TestSignal(t *testing.T) {
	r := start(t, specOf(t, "/bin/sh", "-c", "trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.01; done"))
	in := bufio.NewReader(r.out)
	if line, err := in.ReadString('\n'); line != "ready\n" {
		t.Fatalf("said %q, %v", line, err)
	}
	check(t, r.Container.Signal(unix.SIGUSR1))
	if line, _ := in.ReadString('\n'); line != "got\n" {
		t.Errorf("said %q, want got", line)
	}
	if st, _ := r.Process.Wait(); st.Code != 9 || st.Signal != 0 {
		t.Errorf("Wait() = %+v, want 9", st)
	}
	if err := r.Process.Signal(unix.SIGTERM); !errors.Is(err, ErrNotRunning) {
		t.Errorf("signalling the dead = %v, want ErrNotRunning", err)
	}
}

func TestPause(t *testing.T) {
	r := start(t, specOf(t, "/bin/sh", "-c", "while :; do echo x; sleep 0.001; done"))
	buf := make([]byte, 1)
	_, err := io.ReadFull(r.out, buf)
	check(t, err)
	check(t, r.Pause())
	go func() { _, _ = io.Copy(io.Discard, r.out) }()
	before, err := r.Stats()
	check(t, err)
	time.Sleep(20 * time.Millisecond) // a running loop would use the processor
	after, err := r.Stats()
	check(t, err)
	if after.CPUNanos != before.CPUNanos {
		t.Errorf("a paused container used %d ns", after.CPUNanos-before.CPUNanos)
	}
	check(t, r.Resume())
	eventually(t, "the container goes on", func() bool {
		s, err := r.Stats()
		return err == nil && s.CPUNanos > after.CPUNanos
	})
	check(t, r.Pause())
	check(t, r.Container.Signal(unix.SIGKILL))
	if st, _ := r.Process.Wait(); st.Code != 137 || st.Signal != unix.SIGKILL {
		t.Errorf("killed while paused: %+v, want 137", st)
	}
}

func TestMemoryLimit(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		code int
	}{
		{"main program", []string{"/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"}, 137},
		{"a child", []string{"/bin/sh", "-c", "dd if=/dev/zero of=/dev/null bs=200M count=1; exit 0"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := specOf(t, tc.args...)
			spec.Memory = 32 << 20
			r := start(t, spec)
			if out, code := r.finish(); code != tc.code {
				t.Errorf("exit %d, want %d: %s", code, tc.code, out)
			}
			if killed, err := r.OOMKilled(); !killed || err != nil {
				t.Errorf("OOMKilled() = %v, %v, want true", killed, err)
			}
		})
	}
	r := start(t, specOf(t, "/bin/true"))
	_, _ = r.finish()
	if killed, err := r.OOMKilled(); killed || err != nil {
		t.Errorf("OOMKilled() of an ordinary end = %v, %v", killed, err)
	}
}

func TestPidsLimit(t *testing.T) {
	spec := specOf(t, "/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 100 & done; true")
	spec.PidsLimit = 8
	r := start(t, spec)
	out, _ := r.finish()
	if !strings.Contains(out, "can't fork: Resource temporarily unavailable") {
		t.Errorf("twelve processes in eight: %q", out)
	}
}

func TestStats(t *testing.T) {
	spec := specOf(t, "/bin/sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=8; echo; sleep 100")
	spec.Memory, spec.NanoCPUs = 64<<20, 5e8
	r := start(t, spec)
	for in := bufio.NewReader(r.out); ; {
		line, err := in.ReadString('\n')
		check(t, err)
		if line == "\n" {
			break
		}
	}
	s, err := r.Stats()
	check(t, err)
	if s.Memory < 8<<20 || s.MemoryLimit != 64<<20 || s.CPUNanos == 0 || s.Pids == 0 || s.PidsLimit != defaultPids {
		t.Errorf("Stats() = %+v", s)
	}
	check(t, r.Container.Signal(unix.SIGKILL))
}
