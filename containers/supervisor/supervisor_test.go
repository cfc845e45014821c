package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gantry/containers"
	"gantry/containers/attach"
	"gantry/containers/launch"
	"gantry/containers/logs"

	"golang.org/x/sys/unix"
)

func TestRun(t *testing.T) {
	r := newRig(t)
	stdin := func(rec *containers.Record) { rec.Config.OpenStdin, rec.Config.StdinOnce = true, true }
	remove := func(rec *containers.Record) { rec.Host.AutoRemove = true }
	for _, c := range []struct {
		name   string
		change func(*containers.Record)
		stdin  string
		args   []string
		out    string
		code   int
	}{
		{"true", nil, "", []string{"true"}, "", 0},
		{"code", nil, "", []string{"sh", "-c", "echo hi; echo err >&2; exit 7"}, "hi\nerr\n", 7},
		{"signal", nil, "", []string{"sh", "-c", "kill -9 $$; sleep 1; exit 3"}, "", 3},
		{"stdin", stdin, "typed\n", []string{"cat"}, "typed\n", 0},
		{"no stdin", nil, "typed\n", []string{"cat"}, "", 0},
		{"rm", remove, "", []string{"sh", "-c", "echo gone"}, "gone\n", 0},
		{"descriptors", nil, "", []string{"sh", "-c", "echo /proc/self/fd/*"},
			"/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n", 0}, // 3 is the listing itself
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			out, code := r.run(c.change, c.stdin, c.args...)
			if code != c.code || sorted(out) != sorted(c.out) {
				t.Errorf("run = %q, %d, want %q, %d", out, code, c.out, c.code)
			}
		})
	}
}

// sorted makes outputs comparable whose streams may overtake each other.
func sorted(s string) string {
	l := strings.Split(s, "\n")
	slices.Sort(l)
	return strings.Join(l, "\n")
}

func TestRecordAndLogAreThereWhenTheClientHasItsAnswer(t *testing.T) {
	r := newRig(t)
	for range 5 {
		id := r.create(nil, "sh", "-c", "echo last words; exit 5")
		s := r.start(id, containers.StartInput{Attach: true})
		res, err := s.Stream(t.Context(), attach.Streams{})
		check(t, err)
		rec, err := r.m.Get(t.Context(), id)
		check(t, err)
		if st := rec.State; st.Status != containers.Exited || st.ExitCode != 5 || st.Pid != 0 || res.ExitCode != 5 {
			t.Errorf("state = %+v, result %+v", st, res)
		}
		if got := r.log(id); got != "last words\n" {
			t.Errorf("log = %q", got)
		}
	}
}

func TestAutoRemovedIsGoneWhenTheClientHasItsAnswer(t *testing.T) {
	r := newRig(t)
	id := r.create(func(rec *containers.Record) { rec.Host.AutoRemove = true }, "true")
	s := r.start(id, containers.StartInput{Attach: true})
	if _, err := s.Stream(t.Context(), attach.Streams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.m.Get(t.Context(), id); err == nil {
		t.Error("the record is still there")
	}
	if _, err := os.Stat(r.m.Dir(id)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestStartErrors(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"nosuch"}, 127, "executable file not found"},
		{[]string{"/bin/nosuch"}, 127, "no such file or directory"},
		{[]string{"/etc"}, 126, "is a directory"},
		{[]string{"/bin/data"}, 126, "permission denied"},
		{nil, 125, "no command specified"},
	} {
		id := r.create(nil, c.args...)
		_, err := r.m.Start(t.Context(), id, r.input(containers.StartInput{Attach: true}))
		var said *launch.StartError
		if !errors.As(err, &said) || said.Code != c.code || !strings.Contains(said.Text, c.text) {
			t.Errorf("Start(%q) = %v, want code %d and %q", c.args, err, c.code, c.text)
		}
		if _, err := r.store.Intent(id).Read(); err == nil {
			t.Errorf("Start(%q) left its intent", c.args)
		}
	}
}

func TestExec(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sleep", "1000")
	r.start(id, containers.StartInput{})
	for _, c := range []struct {
		spec attach.ExecSpec
		in   string
		out  string
		code int
	}{
		{attach.ExecSpec{Args: []string{"sh", "-c", "echo $A; exit 4"}, Env: []string{"A=b"}}, "", "b\n", 4},
		{attach.ExecSpec{Args: []string{"cat"}, OpenStdin: true}, "through\n", "through\n", 0},
		{attach.ExecSpec{Args: []string{"stty", "size"}, Tty: true, Cols: 132, Rows: 43}, "", "43 132\r\n", 0},
		{attach.ExecSpec{Args: []string{"sh", "-c", "seq 1 20000 | tail -n1; sleep 1000 &"}}, "", "20000\n", 0},
	} {
		s, err := r.m.Exec(t.Context(), id, c.spec)
		check(t, err)
		out := waitFor("\x00")
		res, err := s.Stream(t.Context(), attach.Streams{In: strings.NewReader(c.in), Out: out, Err: out})
		check(t, err)
		if out.String() != c.out || res.ExitCode != c.code {
			t.Errorf("exec %q = %q, %+v, want %q, %d", c.spec.Args, out.String(), res, c.out, c.code)
		}
	}
	for _, c := range []struct {
		arg  string
		code int
	}{{"nosuch", 127}, {"/bin/data", 126}} {
		var said *attach.Error
		if _, err := r.m.Exec(t.Context(), id, attach.ExecSpec{Args: []string{c.arg}}); !errors.As(err, &said) || said.Code != c.code {
			t.Errorf("exec %s = %v, want code %d", c.arg, err, c.code)
		}
	}
}

func TestExecSessionOutlivesItsClient(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sleep", "1000")
	r.start(id, containers.StartInput{})
	s, err := r.m.Exec(t.Context(), id, attach.ExecSpec{Args: []string{"sh"}, Tty: true, OpenStdin: true})
	check(t, err)
	in, typed := io.Pipe()
	first := waitFor("marker-42")
	done := make(chan attach.Result)
	go func() {
		res, _ := s.Stream(t.Context(), attach.Streams{In: in, Out: first, DetachKeys: []byte{16, 17}})
		done <- res
	}()
	_, _ = typed.Write([]byte("X=kept; echo marker-$((40+2))\n"))
	first.wait(t)
	_, _ = typed.Write([]byte{16, 17})
	if res := <-done; !res.Detached {
		t.Fatalf("Stream = %+v, want detached", res)
	}
	list, err := r.m.Sessions(t.Context(), id)
	check(t, err)
	if len(list) != 2 || list[1].ID != s.ID() {
		t.Fatalf("sessions = %+v", list)
	}
	again, err := r.m.Attach(t.Context(), id, attach.Options{Session: s.ID(), Replay: true})
	check(t, err)
	out := waitFor("marker-42")
	in, typed = io.Pipe()
	go func() {
		res, _ := again.Stream(t.Context(), attach.Streams{In: in, Out: out})
		done <- res
	}()
	out.wait(t)
	_, _ = typed.Write([]byte("echo still-$X; exit 9\n"))
	if res := <-done; res.ExitCode != 9 || !strings.Contains(out.String(), "still-kept") {
		t.Errorf("Stream = %+v, output %q", res, out.String())
	}
	eventually(t, "the session is forgotten", time.Second, func() bool {
		list, err := r.m.Sessions(t.Context(), id)
		return err == nil && len(list) == 1
	})
}

func TestKilledSupervisorTakesItsContainerAlong(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sh", "-c", "echo kept; sleep 1000")
	out := waitFor("kept")
	s := r.start(id, containers.StartInput{Attach: true})
	done := make(chan attach.Result)
	go func() { res, _ := s.Stream(t.Context(), attach.Streams{Out: out}); done <- res }()
	out.wait(t)
	l, err := logs.Open(r.m.LogDir(id))
	check(t, err)
	defer l.Close()
	follower := waitFor("kept")
	followed := make(chan error)
	go func() { followed <- l.Copy(t.Context(), logs.Options{Follow: true, Tail: -1}, follower, follower) }()
	follower.wait(t)
	pid := r.pid(id)
	begun := time.Now()
	check(t, unix.Kill(r.supervisorOf(id), unix.SIGKILL))
	if res := <-done; !res.Lost || res.ExitCode != 255 {
		t.Errorf("Stream = %+v, want lost", res)
	}
	select {
	case err := <-followed:
		check(t, err)
	case <-time.After(time.Second):
		t.Error("a follower of the log still waits")
	}
	eventually(t, "the payload is dead", time.Second, func() bool { return !alive(pid) })
	t.Logf("payload dead after %v", time.Since(begun))
	check(t, r.m.Reconcile(t.Context()))
	rec, err := r.m.Get(t.Context(), id)
	check(t, err)
	if st := rec.State; st.Status != containers.Exited || st.ExitCode != 137 || st.Reason != "supervisor lost" {
		t.Errorf("state = %+v", st)
	}
	if got := r.log(id); got != "kept\n" {
		t.Errorf("log = %q", got)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	check(t, err)
	if strings.Contains(string(mounts), id) {
		t.Error("a mount is left")
	}
}

func TestTerminatedSupervisorEndsCleanly(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sleep", "1000")
	s := r.start(id, containers.StartInput{Attach: true})
	check(t, unix.Kill(r.supervisorOf(id), unix.SIGTERM))
	res, err := s.Stream(t.Context(), attach.Streams{})
	if err != nil || res.ExitCode != 137 || res.Lost {
		t.Errorf("Stream = %+v, %v", res, err)
	}
}

func TestPauseStatsSignal(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sh", "-c", "trap 'exit 6' USR1; while :; do sleep 0.01; done")
	r.start(id, containers.StartInput{})
	check(t, r.m.Pause(t.Context(), id))
	if rec, err := r.m.Get(t.Context(), id); err != nil || rec.State.Status != containers.Paused {
		t.Errorf("paused: %v, %v", rec.State.Status, err)
	}
	if err := r.m.Pause(t.Context(), id); err == nil {
		t.Error("a second pause succeeds")
	}
	check(t, r.m.Unpause(t.Context(), id))
	var st struct{ Pids uint64 }
	check(t, attach.Stats(t.Context(), r.m.Socket(id), &st))
	if st.Pids == 0 {
		t.Errorf("stats = %+v", st)
	}
	check(t, attach.Signal(t.Context(), r.m.Socket(id), "", "SIGUSR1"))
	if code, err := r.m.Wait(t.Context(), id); err != nil || code != 6 {
		t.Errorf("Wait = %d, %v", code, err)
	}
}

// TestStdoutOfAGigabyte asks for the rate, the bound on the log, the last line
// and a small supervisor. A stopped client must not slow it down.
func TestStdoutOfAGigabyte(t *testing.T) {
	r := newRig(t)
	const bytes = 1 << 30
	script := fmt.Sprintf("sleep 0.1; dd if=/dev/zero bs=65536 count=%d 2>/dev/null; echo; echo the end", bytes>>16)
	id := r.create(nil, "sh", "-c", script)
	begun := time.Now()
	r.start(id, containers.StartInput{})
	pid := r.supervisorOf(id)
	peak := peakWatch(pid)
	code, err := r.m.Wait(t.Context(), id)
	took := time.Since(begun) - 100*time.Millisecond
	rss := peak()
	if err != nil || code != 0 {
		t.Fatalf("Wait = %d, %v", code, err)
	}
	t.Logf("1 GiB in %v: %.0f MB/s, supervisor's peak %d kB", took, float64(bytes)/1e6/took.Seconds(), rss)
	if rate := float64(bytes) / 1e6 / took.Seconds(); rate < 80 {
		t.Errorf("%.0f MB/s", rate)
	}
	if !strings.HasSuffix(r.log(id), "\nthe end\n") {
		t.Error("the last line is missing")
	}
	var size int64
	segments, _ := filepath.Glob(r.m.LogDir(id) + "/*.log")
	for _, path := range segments {
		fi, err := os.Stat(path)
		check(t, err)
		size += fi.Size()
	}
	if size > 30<<20 {
		t.Errorf("log takes %d bytes", size)
	}
}

// peakWatch reads VmHWM until told to stop; the last value a process has shown
// is its peak.
func peakWatch(pid int) (stop func() int) {
	quit, peak := make(chan struct{}), make(chan int)
	go func() {
		last := 0
		for {
			if kb := statusField(pid, "VmHWM:"); kb > 0 {
				last = kb
			}
			select {
			case <-quit:
				peak <- last
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() int { close(quit); return <-peak }
}

// alive is false for a zombie: whoever inherits orphans here may be slow to
// reap them.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(text), "\nState:\tZ") && !strings.Contains(string(text), "\nState:\tX")
}

func statusField(pid int, name string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			var kb int
			_, _ = fmt.Sscan(rest, &kb)
			return kb
		}
	}
	return 0
}

// TestIdleSupervisorIsSmall waits for the supervisor to settle.
func TestIdleSupervisorIsSmall(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sleep", "1000")
	r.start(id, containers.StartInput{})
	pid := r.supervisorOf(id)
	pss := func() int {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		check(t, err)
		for line := range strings.Lines(string(text)) {
			var kb int
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				_, _ = fmt.Sscan(rest, &kb)
				return kb
			}
		}
		return 0
	}
	before := pss()
	eventually(t, "at most 8 MB", 5*time.Second, func() bool { return pss() <= 8<<10 })
	t.Logf("PSS %d kB after starting, %d kB settled", before, pss())
}
