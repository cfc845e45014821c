package headless

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"gantry/engine"
)

// onTerminal runs a command whose streams are all one terminal, 100×30, and
// returns what the terminal received.
func onTerminal(t *testing.T, f *fakeEngine, argv ...string) (screen string, code int) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("needs a pty: %v", err)
	}
	defer master.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 100, Rows: 30}); err != nil {
		t.Fatal(err)
	}
	state, err := term.MakeRaw(int(tty.Fd())) // so that output is not rewritten
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = term.Restore(int(tty.Fd()), state) }()
	received := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = b.ReadFrom(master) // ends with an error once the terminal closes
		received <- b.String()
	}()
	a := newApp(IO{In: tty, Out: tty, Err: tty, Env: environ}, func(context.Context) (door, error) { return f, nil }, Options{})
	a.now = func() time.Time { return clock }
	code = a.execute(context.Background(), argv)
	tty.Close()
	return <-received, code
}

const evil = "a\x1b]0;x\ab\r\n\u202ec\u009bd"

func evilEngine() *fakeEngine {
	f := sample()
	c := &f.containers[0]
	c.Config.Labels = map[string]string{"app": evil}
	c.Config.Cmd, c.Name, c.Image = []string{evil}, evil, evil
	f.images[0].Names = []string{evil + ":" + evil}
	return f
}

func TestTerminalIsNotSteered(t *testing.T) {
	for _, argv := range [][]string{
		{"ps", "-a"}, {"ps", "--no-trunc", "--format", "{{.Command}} {{.Names}} {{.Labels}}"}, {"ps", "--format", `{{.Label "app"}}`},
		{"ps", "--format", "json"}, {"images"}, {"images", "--format", "json"}, {"inspect", "1111"},
		{"inspect", "-f", "{{.Name}} {{.Config.Labels.app}}", "1111"}, {"inspect", "-f", "{{json .Config}}", "1111"},
		{"rm", evil}, {"inspect", evil}, {"rmi", evil}, {evil}, {"run", "--" + evil, "x"}, {"run", "--name", evil, "x"},
	} {
		screen, _ := onTerminal(t, evilEngine(), argv...)
		if i := strings.IndexFunc(screen, func(r rune) bool {
			return r != '\n' && engine.Printable(string(r)) != string(r)
		}); i >= 0 {
			t.Errorf("%q wrote a control character: %q", argv, screen[max(0, i-20):])
		}
	}
}

func TestPipeIsRaw(t *testing.T) {
	out, _, _ := try(evilEngine(), Options{}, "", "ps", "--format", `{{.Label "app"}}`)
	if want := evil + "\n\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func TestInspectIsJSONEverywhere(t *testing.T) {
	screen, _ := onTerminal(t, evilEngine(), "inspect", "1111")
	piped, _, _ := try(evilEngine(), Options{}, "", "inspect", "1111")
	for _, text := range []string{screen, piped} {
		var got []containerJSON
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != 1 || got[0].Config.Labels["app"] != evil {
			t.Errorf("inspect: %v: %s", err, text)
		}
	}
}

func TestListingsAreJSON(t *testing.T) {
	for _, argv := range [][]string{{"ps", "-a", "--format", "json"}, {"images", "--format", "json"},
		{"history", "--format", "json", "busybox"}, {"info", "-f", "json"}, {"version", "-f", "json"}, {"inspect", "-f", "json", "web"}} {
		out, _, code := try(sample(), Options{}, "", argv...)
		for line := range strings.Lines(out) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%q printed %s", argv, line)
			}
		}
		if code != 0 || out == "" {
			t.Errorf("%q = %d, %q", argv, code, out)
		}
	}
}

func TestRunOnTerminal(t *testing.T) {
	f := sample()
	f.session = fakeSession{out: "hello\x1b[1m", resized: make(chan string, 8), result: engine.Result{ExitCode: 7},
		block: func(_ context.Context, s *fakeSession) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGWINCH)
			if got := <-s.resized; got != "100x30" {
				t.Errorf("resized to %s", got)
			}
		}}
	screen, code := onTerminal(t, f, "run", "-it", "busybox")
	if code != 7 || screen != "hello\x1b[1m" {
		t.Errorf("got %d, %q", code, screen)
	}
	if string(f.session.keys) != "\x10\x11" {
		t.Errorf("detach keys %q", f.session.keys)
	}
	if want := `"Cols":100`; !strings.Contains(f.calls[0], want) || !strings.Contains(f.calls[1], "Cols:100 Rows:30") {
		t.Errorf("calls %v: no first size", f.calls)
	}
}

func TestDetach(t *testing.T) {
	f := sample()
	f.session = fakeSession{result: engine.Result{Detached: true}}
	screen, code := onTerminal(t, f, "run", "-it", "--detach-keys", "ctrl-a,x", "busybox")
	if code != 0 || screen != "read escape sequence\n" || string(f.session.keys) != "\x01x" {
		t.Errorf("got %d, %q, keys %q", code, screen, f.session.keys)
	}
}

func TestSignals(t *testing.T) {
	proxied := func(_ context.Context, s *fakeSession) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		if got := <-s.signals; got != "SIGUSR1" {
			t.Errorf("proxied %s", got)
		}
	}
	leaving := func(ctx context.Context, _ *fakeSession) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-ctx.Done()
	}
	for _, c := range []struct {
		argv  string
		block func(context.Context, *fakeSession)
		code  int
	}{
		{"run busybox", proxied, 0},
		{"attach web", proxied, 0},
		{"start -a job", proxied, 0},
		{"run -t busybox", leaving, 143},
		{"run --sig-proxy=false busybox", leaving, 143},
	} {
		f := sample()
		f.session = fakeSession{signals: make(chan string, 8), block: c.block}
		if _, stderr, code := try(f, Options{}, "", strings.Fields(c.argv)...); code != c.code {
			t.Errorf("%s = %d %s, want %d", c.argv, code, stderr, c.code)
		}
	}
}

func TestInterruptBeforeStart(t *testing.T) {
	f := sample()
	f.created = func(ctx context.Context) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
		<-ctx.Done()
	}
	_, _, code := try(f, Options{}, "", "run", "--rm", "busybox")
	if last := f.calls[len(f.calls)-1]; code != 130 || last != "remove c0ffeec0ffee {Force:true Volumes:true}" {
		t.Errorf("code %d, calls %q", code, f.calls)
	}
}

func TestLostAndDropped(t *testing.T) {
	f := sample()
	f.session = fakeSession{result: engine.Result{ExitCode: 137, Lost: true, Dropped: 5}}
	_, stderr, code := try(f, Options{}, "", "run", "busybox")
	want := "WARNING: 5 bytes of output were dropped: the output is read too slowly\n" +
		"gantry: the container's supervisor is gone: the container is being taken down\n"
	if code != 137 || stderr != want {
		t.Errorf("got %d, %q", code, stderr)
	}
}

func TestProgressInPlace(t *testing.T) {
	f := sample()
	f.pulls = []engine.Step{
		{ID: "0123456789ab", Action: "Downloading", State: "active", Current: 5 << 20, Total: 10 << 20},
		{ID: "ba9876543210", Action: "Pull \x1bcomplete", State: "done"},
	}
	screen, _ := onTerminal(t, f, "pull", "debian:bookworm")
	for _, want := range []string{"0123456789ab: Downloading [=========================>                         ] 5.243MB/10.49MB\n",
		`ba9876543210: Pull \x1bcomplete` + "\n", "Status: Image is up to date"} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in %q", want, screen)
		}
	}
}

func TestCidfile(t *testing.T) {
	path := t.TempDir() + "/cid"
	f := sample()
	f.createErr = errBoom
	if _, _, code := try(f, Options{}, "", "run", "--cidfile", path, "busybox"); code != 125 {
		t.Errorf("failed create = %d, want 125", code)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the empty file is still there: %v", err)
	}
	if _, stderr, code := try(sample(), Options{}, "", "create", "--cidfile", path, "busybox"); code != 0 {
		t.Errorf("create = %d %s", code, stderr)
	}
	if id, err := os.ReadFile(path); err != nil || len(id) != 64 {
		t.Errorf("wrote %q, %v", id, err)
	}
	_, stderr, code := try(sample(), Options{}, "", "run", "--cidfile", path, "busybox")
	if want := "gantry: container ID file found, make sure the other container isn't running or delete " + path + "\n"; code != 125 || stderr != want {
		t.Errorf("second run = %d %q", code, stderr)
	}
}
