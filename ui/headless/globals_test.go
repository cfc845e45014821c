package headless

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"gantry/engine"
)

func TestParseGlobals(t *testing.T) {
	for _, c := range []struct {
		argv string
		want Globals
		rest string
		err  string
	}{
		{"", Globals{}, "", ""},
		{"--root /r --run-dir=/run ps --root x", Globals{Root: "/r", RunDir: "/run"}, "ps --root x", ""},
		{"--no-color --cmd=ps", Globals{NoColor: true, Cmd: "ps"}, "", ""},
		{"-v", Globals{Version: true}, "", ""},
		{"-- --root", Globals{}, "--root", ""},
		{"-root x", Globals{}, "", "unknown shorthand flag: 'r' in -root"},
		{"--root", Globals{}, "", "flag needs an argument: --root"},
		{"--root= ps", Globals{}, "", "flag needs an argument: --root"},
		{"--é=1", Globals{}, "", "unknown flag: --é"},
		{"--h", Globals{}, "", "unknown flag: --h"},
		{"-Hx", Globals{}, "", errHost.Error()},
	} {
		got, rest, err := ParseGlobals(strings.Fields(c.argv))
		text := ""
		if err != nil {
			text, got = err.Error(), Globals{}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || strings.Join(rest, " ") != c.rest || text != c.err {
			t.Errorf("ParseGlobals(%q) = %q, %q: %s", c.argv, rest, text, diff)
		}
	}
}

func TestExecuteWithoutEngine(t *testing.T) {
	failing := func(context.Context) (*engine.Engine, error) { return nil, errBoom }
	for argv, want := range map[string]int{"version": 0, "--version": 0, "completion bash": 0, "ps": 1, "run x": 125, "run --help": 0} {
		std := IO{Out: io.Discard, Err: io.Discard}
		if got := Execute(context.Background(), strings.Fields(argv), std, failing, Options{}); got != want {
			t.Errorf("%s = %d, want %d", argv, got, want)
		}
	}
}

// inspects are the commands with exit codes of their own.
var inspects = map[string]bool{"gantry layers": true, "gantry diff-images": true, "gantry check": true}

// TestEveryCommandHelps also finds options declared twice: cobra panics on
// them when the command is used.
func TestEveryCommandHelps(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		argv := append(strings.Fields(c.CommandPath())[1:], "--help")
		out, stderr, code := try(sample(), Options{}, "", argv...)
		if code != 0 || stderr != "" || !strings.Contains(out, "Usage:") || c.Short == "" {
			t.Errorf("%q = %d %q", argv, code, stderr)
		}
		_, stderr, code = try(sample(), Options{}, "", append(argv[:len(argv)-1:len(argv)-1], "--no-such-option")...)
		want := 125
		if inspects[c.CommandPath()] {
			want = exitUsage
		}
		if code != want || !strings.Contains(stderr, "unknown flag: --no-such-option") {
			t.Errorf("%q with an unknown option = %d %q", argv, code, stderr)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newApp(IO{}, nil, Options{}).tree())
}

func TestNoSessionIsNil(t *testing.T) {
	if s, err := opened[session]((*engine.Session)(nil), errBoom); s != nil || !errors.Is(err, errBoom) {
		t.Errorf("got %v, %v", s, err)
	}
	if s, err := opened[session](&engine.Session{}, nil); s == nil || err != nil {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestEngineIsClosedOnce(t *testing.T) {
	f := sample()
	try(f, Options{}, "", "ps")
	try(f, Options{Embedded: true}, "", "ps")
	if f.closed != 1 {
		t.Errorf("closed %d times, want 1: an embedded engine stays open", f.closed)
	}
}
