package e2e

import (
	"strings"
	"testing"
)

// TestBadInput gives the commands what people and attackers type wrong: one
// line that names the thing, the conventional exit code, nothing left behind.
func TestBadInput(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("pull", ref)
	l.ok("create", "--name", "taken", ref, "true")
	run := func(args ...string) []string { return append([]string{"run", "--rm"}, args...) }
	image := func(args ...string) []string { return append(run(args...), ref, "true") }
	for _, c := range []struct {
		code int
		text string
		args []string
	}{
		// references
		{1, "must be lowercase", []string{"pull", "Ubuntu"}},
		{1, "tag is empty", []string{"pull", "ubuntu:"}},
		{1, "invalid reference", []string{"pull", "../etc"}},
		{1, "invalid reference", []string{"pull", "a//b"}},
		{1, "drop \"https://\"", []string{"pull", "https://host/x"}},
		{1, "image ID", []string{"pull", strings.Repeat("ab", 32)}},
		{1, "64 hex digits", []string{"pull", "x@sha256:abc"}},
		{1, "port 99999 is not 1–65535", []string{"pull", "host:99999/x"}},
		{125, "must be lowercase", run("Ubuntu")},
		// ports
		{125, "port numbers must be between 1 and 65535", image("-p", "65536:80")},
		{125, "abc", image("-p", "abc:80")},
		{125, "foo", image("-p", "80:80/foo")},
		{125, "ranges have different lengths: 3 vs 2", image("-p", "8000-8002:80-81")},
		{125, "use an IP: 127.0.0.1:80:80", image("-p", "localhost:80:80")},
		{125, "--network host", image("-p", "1-65535:1-65535")},
		// volumes
		{125, "must be an absolute path", image("-v", "/tmp:rel")},
		{125, "bogus", image("-v", "/tmp:/x:bogus")},
		{125, "names must match", image("-v", "a/b:/x")},
		{125, "/proc", image("-v", "/tmp:/proc")},
		// environment, limits, names
		{125, "invalid environment variable: \"=x\"", image("-e", "=x")},
		{125, "invalid size: 'abc'", image("-m", "abc")},
		{125, "6MB", image("-m", "6")},
		{125, "size", image("-m", "99999999999999999999")},
		{125, "range of CPUs is from 0.01 to", image("--cpus", "9999")},
		{125, "hostname", image("-h", "a\x1b[31mb")},
		{125, "Conflict", append([]string{"run", "--name", "taken"}, ref, "true")},
		{125, "unable to find user nosuch", image("-u", "nosuch")},
		{125, "user", image("-u", "4294967295")},
		{125, "user", image("-u", "2147483648")},
		{125, "unknown flag: --gpus", image("--gpus", "all")},
		// objects and commands
		{1, "No such container: nope", []string{"stop", "nope"}},
		{1, "No such container: nope", []string{"logs", "nope"}},
		{1, "No such image", []string{"rmi", "nope"}},
		{1, "No such image", []string{"tag", "nope", "x"}},
		{1, "is not running", []string{"kill", "taken"}},
		{1, "is not running", []string{"exec", "taken", "true"}},
		{1, "NOPE", []string{"kill", "-s", "NOPE", "taken"}},
		{1, "not a", []string{"pulll", "x"}},
	} {
		r := l.gantry(c.args...)
		if r.code != c.code || !strings.Contains(strings.ToLower(r.err), strings.ToLower(c.text)) {
			t.Errorf("gantry %q = %d, stderr %q; want %d and %q", c.args, r.code, r.err, c.code, c.text)
		}
		if strings.ContainsRune(r.err, 0x1b) || strings.Contains(r.err, "panic") {
			t.Errorf("gantry %q wrote raw control characters or a panic: %q", c.args, r.err)
		}
		if n := strings.Count(strings.TrimSpace(r.err), "\n"); n > 3 {
			t.Errorf("gantry %q wrote %d lines of error:\n%s", c.args, n+1, r.err)
		}
	}
	if left := strings.Fields(l.ok("ps", "-aq")); len(left) != 1 {
		t.Errorf("bad input left containers: %q", left)
	}
}

func TestHostileEnvironment(t *testing.T) {
	l := newLab(t)
	for _, extra := range [][]string{
		{"_LIBCONTAINER_INITTYPE=standard"}, {"LD_PRELOAD=/nonexistent.so"},
		{"TERM="}, {"TERM=../../etc/passwd"}, {"LANG=\x1b[31m"}, {"HOME="}, {"GODEBUG=bogus=1"}, {"PATH="},
	} {
		env := l.env
		l.env = append(append([]string(nil), env...), extra...)
		r := l.gantry("ps")
		l.env = env
		if r.code != 0 || strings.Contains(r.err, "panic") || strings.Contains(r.err, "goroutine") {
			t.Errorf("with %q: ps = %d, stderr %q", extra, r.code, r.err)
		}
	}
	// libcontainer's C stage reads its pipe before any Go code runs: one line,
	// and nothing else happens.
	env := l.env
	l.env = append(append([]string(nil), env...), "_LIBCONTAINER_INITPIPE=3")
	if r := l.gantry("ps"); r.code == 0 || strings.Count(r.err, "\n") != 1 {
		t.Errorf("with a stray init pipe: ps = %d, stderr %q", r.code, r.err)
	}
	l.env = env
	if r := l.gantry("init"); strings.Contains(r.err, "panic") || r.code == 0 {
		t.Errorf("gantry init typed by a person = %d, %q", r.code, r.err)
	}
}
