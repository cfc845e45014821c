package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gantry/internal/testenv"
)

// testParent keeps the tests' cgroups out of everyone's way.
var testParent = fmt.Sprintf("/gantry-test-%d", os.Getpid())

func TestMain(m *testing.M) {
	Init()
	if os.Getenv(roleEnv) != "" {
		supervise()
	}
	_ = os.Setenv(ParentEnv, testParent)
	code := m.Run()
	for _, dir := range testCgroups() {
		if err := os.Remove(dir); err != nil {
			fmt.Fprintln(os.Stderr, "left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// testCgroups lists the tests' parent cgroups in all hierarchies.
func testCgroups() []string {
	v1, _ := filepath.Glob(cgroupRoot + "/*" + testParent)
	v2, _ := filepath.Glob(cgroupRoot + testParent)
	return append(v1, v2...)
}

// box is a root file system of busybox, one per test.
func box(t testing.TB) string {
	t.Helper()
	testenv.NeedsRoot(t)
	busybox := testenv.NeedsProgram(t, "busybox")
	root, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	for _, dir := range []string{"bin", "etc", "tmp", "proc", "sys", "dev", "usr/bin"} {
		check(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	check(t, os.Chmod(root, 0o755))
	program, err := os.ReadFile(busybox)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(root, "bin/busybox"), program, 0o755))
	for _, name := range strings.Fields("sh true false cat ls id sleep mknod mount umount echo dd kill stty ps hostname env mkdir touch grep head printf tail seq nc chmod wc find") {
		check(t, os.Symlink("busybox", filepath.Join(root, "bin", name)))
	}
	return root
}

var serial atomic.Int64

// specOf runs args in a fresh busybox root.
func specOf(t testing.TB, args ...string) Spec {
	t.Helper()
	return Spec{
		ID:        fmt.Sprintf("t%d-%d", os.Getpid(), serial.Add(1)),
		StateRoot: filepath.Join(t.TempDir(), "state"),
		Rootfs:    box(t),
		Args:      args,
		Env:       []string{"PATH=/bin:/usr/bin"},
		Hostname:  "box",
	}
}

// running is a started container and what it says.
type running struct {
	*Container
	*Process
	out io.Reader
	t   testing.TB
}

// start creates, starts and releases; the container is destroyed with the test
// and has left nothing then.
func start(t testing.TB, spec Spec) *running {
	t.Helper()
	c, err := Create(spec)
	check(t, err)
	t.Cleanup(func() { assertGone(t, c) })
	r, w, err := os.Pipe()
	check(t, err)
	p, err := c.Start(Stdio{Stdout: w, Stderr: w})
	_ = w.Close()
	check(t, err)
	check(t, c.Release())
	return &running{c, p, r, t}
}

func assertGone(t testing.TB, c *Container) {
	t.Helper()
	if err := c.Destroy(); err != nil {
		t.Errorf("Destroy() = %v", err)
	}
	for _, dir := range append(c.CgroupPaths(), c.state) {
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind (%v)", dir, err)
		}
	}
}

// finish returns everything printed and the exit code.
func (r *running) finish() (string, int) {
	r.t.Helper()
	text, err := io.ReadAll(r.out)
	check(r.t, err)
	st, err := r.Process.Wait()
	check(r.t, err)
	return string(text), st.Code
}

// run is start and finish.
func run(t testing.TB, spec Spec) (string, int) {
	t.Helper()
	return start(t, spec).finish()
}

// sh runs a script in a container and returns what it printed.
func sh(t testing.TB, script string, change ...func(*Spec)) string {
	t.Helper()
	spec := specOf(t, "/bin/sh", "-c", script)
	for _, fn := range change {
		fn(&spec)
	}
	out, _ := run(t, spec)
	return out
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// probe compiles testdata/name.c into the root file system.
func probe(t testing.TB, root, name string) {
	t.Helper()
	cc := testenv.NeedsProgram(t, "cc")
	var stderr bytes.Buffer
	cmd := exec.Command(cc, "-static", "-O1", "-o", filepath.Join(root, "bin", name), "testdata/"+name+".c")
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", name, err, stderr.String())
	}
}
