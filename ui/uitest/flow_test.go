package uitest

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gantry/engine"
	"gantry/ui"
	"gantry/ui/screens"
)

func started(t *testing.T, f *Fake, opts ui.Options) *Driver {
	d := Start(t, Config{Width: 100, Height: 30, Backend: f.Backend(), Options: opts})
	return d.WaitFor("busybox")
}

func called(t *testing.T, f *Fake, want string) {
	t.Helper()
	if !slices.ContainsFunc(f.Calls(), func(c string) bool { return strings.Contains(c, want) }) {
		t.Errorf("calls = %q, want one with %q", f.Calls(), want)
	}
}

func TestContainerActions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		keys []string
		text string
		call string
	}{
		{[]string{"s"}, "stopped api", "stop "},
		{[]string{"G", "s"}, "started scratchpad", "start "},
		{[]string{"r"}, "restarted api", "restart "},
		{[]string{"p"}, "paused api", "pause "},
		{[]string{"j", "j", "j", "p"}, "resumed cache", "unpause "},
		{[]string{"K", "y"}, "killed api", "kill "},
		{[]string{"d", "y"}, "deleted api", "rm "},
		{[]string{"G", "K"}, "scratchpad does not run", ""},
		{[]string{"G", "e"}, "start it first", ""},
		{[]string{"j", "j", "j", "a"}, "resume it first", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			f := NewFake(SampleImages(), SampleContainers())
			d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly")
			d.Press(tt.keys...).WaitFor(tt.text)
			if tt.call != "" {
				called(t, f, tt.call)
			} else if len(f.Calls()) > 0 {
				t.Errorf("calls = %q, want none", f.Calls())
			}
		})
	}
}

func TestMarksActTogether(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly")
	d.Press("space", "space", "space").WaitFor("3 marked").Press("s").WaitGone("● up").WaitGone("stopping")
	if n := len(f.Calls()); n != 3 {
		t.Errorf("%d calls, want 3: %q", n, f.Calls())
	}
}

func TestTypeAheadReachesThePrompt(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	f.PullFunc = stuckPull
	d := started(t, f, ui.Options{})
	d.Type("Pdyd/debian:12\r").WaitFor("stalled")
	called(t, f, "pull dyd/debian:12")
	if len(f.Calls()) != 1 {
		t.Errorf("calls = %q, want the pull alone", f.Calls())
	}
	d.Press("d").WaitFor("stop pulling").Press("y").WaitFor("stopped pulling").WaitGone("stalled")
}

func TestPullThatFails(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	d := started(t, f, ui.Options{})
	d.Type("Pnosuch\r").WaitFor("pulling nosuch failed").WaitFor("manifest unknown")
	d.Press("g", "enter").WaitFor("close").Press("esc").WaitGone("close").Press("d").WaitGone("manifest unknown")
}

func TestDeleteOfUsedImageSaysWhy(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	d := started(t, f, ui.Options{})
	d.Press("j", "j", "d").WaitFor("used by web: delete that first")
	d.Press("/", "busy", "enter").WaitGone("postgres").Press("d").WaitFor("delete busybox").Press("y").WaitFor("deleted busybox")
	called(t, f, "rmi busybox:latest")
}

func TestRunForm(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	d := started(t, f, ui.Options{}).Press("j", "j", "n").WaitFor("throw away")
	d.WaitFor("gantry run -d -p 80 nginx").Press("ctrl+u").Type("sh -c 'a b'").Press("tab").Type("web2").Press("tab", "tab", "space", "tab", "tab")
	d.Press("ctrl+u").Type("99999:80").Press("enter").WaitFor("between 1 and 65535")
	d.Press("ctrl+u").Type("8080:80").Press("tab").Type("/srv:/data:ro").Press("tab").Type(" A=1")
	d.WaitFor("gantry run -d --rm --name web2 -p 8080:80").Press("enter").WaitFor("web2 runs")
	called(t, f, `create nginx:1.27-alpine ["sh" "-c" "a b"] name=web2 tty=false rm=true net=bridge ports=[{ 8080 80 tcp}] mounts=[{bind /srv /data true []}] env=["A=1"]`)
	called(t, f, "start ")
}

func attachFake(s *Session) *Fake {
	f := NewFake(SampleImages(), SampleContainers())
	f.OpenFunc = func(string, engine.ExecSpec) (ui.Session, error) { return s, nil }
	return f
}

func TestAttach(t *testing.T) {
	t.Parallel()
	s := &Session{Greeting: "welcome"}
	f := attachFake(s)
	d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly").Press("a").WaitFor("welcome")
	screen := d.Screen()
	for _, want := range []string{"attached to api", "ctrl-] leaves it running", "ctrl-c goes to the program"} {
		if i := strings.Index(screen, want); i < 0 || i > strings.Index(screen, "welcome") {
			t.Errorf("before the first byte the screen must say %q:\n%s", want, screen)
		}
	}
	d.Type("x\x03").WaitFor("<x")
	d.Type("\x1d\x1d").WaitFor("><>")
	if got := s.Input(); got != "x\x03\x1d" {
		t.Errorf("the process read %q, want %q", got, "x\x03\x1d")
	}
	d.Type("\x1d").WaitFor("left api; it runs on").WaitFor("STATUS")
	d.Press("j").WaitFor("2 of 7") // no key was lost on the way back
	d.Press("a").WaitFor("attached to web").Type("q").WaitFor("web exited 3")
}

func TestAttachWithoutTerminal(t *testing.T) {
	t.Parallel()
	s := &Session{Greeting: "a\nb\n", NoTTY: true}
	d := started(t, attachFake(s), ui.Options{}).Press("2").WaitFor("nightly").Press("a").WaitFor("ctrl-d ends its input")
	d.Type("hi\r").WaitFor("<hi").Type("\x03")
	d.Type("q\r").WaitFor("exited 3")
	if s.Input() != "hi\nq\n" || !slices.Equal(s.Sent, []string{"SIGINT"}) {
		t.Errorf("the process read %q and got signals %q, want hi, q and SIGINT", s.Input(), s.Sent)
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	var have atomic.Value
	have.Store("")
	f.OpenFunc = func(_ string, spec engine.ExecSpec) (ui.Session, error) {
		return &Session{Greeting: "prompt#", Missing: len(spec.Args) > 0 && spec.Args[0] != have.Load()}, nil
	}
	d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly")
	d.Press("e").WaitFor("tried /bin/bash, /bin/sh")
	have.Store("/bin/sh")
	d.Press("e").WaitFor("prompt#").Type("q").WaitFor("/bin/sh in api exited 3")
	f.Change("containers", func(f *Fake) {
		f.SetSessions([]engine.SessionInfo{{ID: "", Tty: true}, {ID: "s1", Args: []string{"/bin/sh"}, Tty: true}})
	})
	d.Press("e").WaitFor("re-enter /bin/sh").Press("j", "enter").WaitFor("back in api").WaitFor("prompt#").Type("\x1d").WaitFor("it runs on")
	called(t, f, `"s1"`)
}

// shortSession ends at once.
type shortSession struct {
	*Session
	code int
}

func (s shortSession) Stream(context.Context, engine.Streams) (engine.Result, error) {
	return engine.Result{ExitCode: s.code}, nil
}

// TestShortHandOvers is for a renderer that does not survive them.
func TestShortHandOvers(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	var code atomic.Int32
	f.OpenFunc = func(string, engine.ExecSpec) (ui.Session, error) {
		return shortSession{&Session{}, int(code.Add(1))}, nil
	}
	d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly")
	for i := range 20 {
		d.Press("a").WaitFor(fmt.Sprintf("api exited %d ", i+1)).WaitFor("STATUS")
	}
}

func TestPaletteRunsCommands(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	opts := ui.Options{
		Commands: []screens.Command{{Name: "pull", Help: "fetch an image"}, {Name: "ps", Help: "list containers"}},
		Execute: func(_ context.Context, argv []string, _ io.Reader, out, _ io.Writer) int {
			for i := range 40 {
				_, _ = fmt.Fprintf(out, "line %d of %q\x1b[2J\n", i, argv)
			}
			return 4
		},
	}
	d := started(t, f, opts)
	d.Type(":ps -a 'x y'").WaitFor("run this").Press("enter").WaitFor("exit code 4").WaitFor(`line 0 of ["ps" "-a" "x y"]\x1b[2J`)
	d.Press("esc").WaitFor("busybox").Type(":contain").WaitFor("go-containers").Press("enter").WaitFor("STATUS")
}

func TestLogs(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	for i := range 5000 {
		f.WriteLog(fmt.Sprintf("line %d", i))
	}
	f.WriteLog("line last")
	d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly").Press("l").WaitFor("line last")
	f.WriteLog("one more")
	d.WaitFor("one more").Press("f").WaitFor("paused")
	f.WriteLog("x", "y", "z")
	d.WaitFor("3 new").Press("/").WaitFor("search:").Type("line 1234").Press("enter").WaitFor("line 1234\n").WaitFor("line 1230")
	d.Press("n").WaitFor("no further").Press("g").WaitFor("line 0\n").Press("G").WaitFor("following").WaitFor(" z\n")
	path := filepath.Join(t.TempDir(), "saved.log")
	d.Press("ctrl+s").WaitFor("save as").Press("ctrl+u").Type(path).Press("enter").WaitFor("saved")
	data, err := os.ReadFile(path)
	if err != nil || strings.Count(string(data), "\n") != 5005 {
		t.Errorf("saved %d lines, %v; want 5005", strings.Count(string(data), "\n"), err)
	}
}

func TestLogFlood(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	f.WriteLog("start")
	d := started(t, f, ui.Options{}).Press("2").WaitFor("nightly").Press("l").WaitFor("start").Settle()
	n := d.Bytes(func() {
		for i := range 20000 {
			f.WriteLog(fmt.Sprintf("flood %d ---------------------------------------------", i))
		}
		f.WriteLog("flood is over")
		d.WaitFor("flood is over")
	})
	t.Logf("20,000 lines wrote %d B", n)
	if n > 60_000 {
		t.Errorf("20,000 lines wrote %d bytes, want at most 60 kB", n)
	}
}

func TestBadKeyFileIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(`{"pull": "q"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d := started(t, NewFake(SampleImages(), nil), ui.Options{KeyFile: path})
	d.WaitFor("The key file is not used").Press("enter").WaitGone("The key file")
}

func TestPrune(t *testing.T) {
	t.Parallel()
	f := NewFake(SampleImages(), SampleContainers())
	d := started(t, f, ui.Options{}).Press("b").WaitFor("images without a name").Press("enter").WaitFor("1 image goes").Press("esc")
	if calls := f.Calls(); len(calls) != 1 || !strings.Contains(calls[0], "dry=true") {
		t.Errorf("before the answer the calls are %q", calls)
	}
	d.Press("b").WaitFor("named ones too").Press("j", "enter").WaitFor("busybox:latest").Press("y").WaitFor("freed 1.3 GB").WaitGone("busybox")
	called(t, f, "prune all=true dry=false")
}

func TestDeleteCountsWhatIsFreed(t *testing.T) {
	t.Parallel()
	f := sample()
	d := started(t, f, ui.Options{}).Press("/").Type("alpine:3").Press("enter", "d").WaitFor("Nothing is freed").WaitFor("Built on it: nginx:1.27-alpine")
	d.Press("esc", "esc").Press("G", "k", "k", "k", "k", "d").WaitFor("delete ghcr.io").WaitFor("48 MB in 3 layers are freed")
}
