package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/sandbox"
)

// lab is one store of its own with everything a gantry process needs to know
// to use it. Its end checks that nothing stayed behind in the kernel.
type lab struct {
	t       *testing.T
	dir     string
	env     []string
	hostNet bool // run commands in the network namespace with the uplink
	before  []string
}

// newLab makes an empty store.
func newLab(t *testing.T) *lab { return makeLab(t, false) }

// newHostLab makes an empty store whose containers reach the machine's uplink.
func newHostLab(t *testing.T) *lab { return makeLab(t, true) }

func makeLab(t *testing.T, hostNet bool) *lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "gantry-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimPrefix(filepath.Base(dir), "gantry-e2e-")
	if len(id) > 9 {
		id = id[len(id)-9:]
	}
	l := &lab{t: t, dir: dir, hostNet: hostNet}
	l.env = []string{
		"GANTRY_ROOT=" + filepath.Join(dir, "root"),
		"GANTRY_RUN=" + filepath.Join(dir, "run"),
		"GANTRY_BRIDGE=gt" + id,
		"GANTRY_CGROUP_PARENT=/gantry-e2e-" + id,
		"HOME=" + dir,
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"TERM=xterm-256color",
	}
	l.before = l.kernelObjects()
	t.Cleanup(l.end)
	return l
}

// end removes every container and the network, and fails the test when
// anything of this lab is left.
func (l *lab) end() {
	l.t.Helper()
	for _, id := range strings.Fields(l.gantry("ps", "-aq", "--no-trunc").out) {
		l.gantry("rm", "-f", id)
	}
	l.gantry("system", "reset-network")
	sandbox.RemoveCgroups(l.lookup("GANTRY_CGROUP_PARENT"))
	var left []string
	l.eventually(func() bool {
		left = difference(l.kernelObjects(), l.before)
		return len(left) == 0
	}, "nothing left in the kernel")
	if len(left) > 0 {
		l.t.Errorf("left behind: %s", strings.Join(left, "\n  "))
	}
	if err := os.RemoveAll(l.dir); err != nil {
		l.t.Errorf("removing the lab: %v", err)
	}
}

// result is how a command ended.
type result struct {
	out, err string
	code     int
	took     time.Duration
}

// gantry runs the binary with args and no input.
func (l *lab) gantry(args ...string) result { return l.input("", args...) }

// ok runs the binary and fails the test unless it exits 0.
func (l *lab) ok(args ...string) string {
	l.t.Helper()
	r := l.gantry(args...)
	if r.code != 0 {
		l.t.Fatalf("gantry %q = %d\nstdout: %s\nstderr: %s", args, r.code, r.out, r.err)
	}
	return r.out
}

// fails runs the binary and checks its exit code and a part of its error.
func (l *lab) fails(code int, text string, args ...string) {
	l.t.Helper()
	r := l.gantry(args...)
	if r.code != code || !strings.Contains(r.err, text) {
		l.t.Errorf("gantry %q = %d, stderr %q; want %d and %q", args, r.code, r.err, code, text)
	}
}

// input runs the binary with args and stdin.
func (l *lab) input(stdin string, args ...string) result {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	cmd := l.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	start := time.Now()
	err := l.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	r := result{out: out.String(), err: errs.String(), took: time.Since(start)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.code = exit.ExitCode()
	case err != nil:
		l.t.Fatalf("gantry %q: %v", args, err)
	}
	return r
}

// command prepares the binary; start it with l.start.
func (l *lab) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, gantryBin, args...)
	cmd.Env = l.env
	cmd.Dir = l.dir
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// start starts cmd in this lab's network namespace.
func (l *lab) start(cmd *exec.Cmd) error {
	if !l.hostNet {
		return cmd.Start()
	}
	errs := make(chan error, 1)
	go func() {
		// The thread is never unlocked: it ends with the goroutine, since its
		// namespace is not that of the others.
		runtime.LockOSThread()
		if err := unix.Setns(sandbox.HostNet, unix.CLONE_NEWNET); err != nil {
			errs <- fmt.Errorf("entering the uplink's namespace: %w", err)
			return
		}
		errs <- cmd.Start()
	}()
	return <-errs
}

// eventually waits for cond and fails the test when it does not come true.
func (l *lab) eventually(cond func() bool, what string) {
	l.t.Helper()
	if !wait(20*time.Second, cond) {
		l.t.Errorf("did not happen within 20 s: %s", what)
	}
}

// wait polls cond, since what it looks at belongs to other processes.
func wait(limit time.Duration, cond func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(limit)
	for !cond() {
		if time.Now().After(deadline) {
			return false
		}
		<-tick.C
	}
	return true
}
