package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/containers"
	"gantry/containers/attach"
	"gantry/containers/launch"
	"gantry/containers/logs"
	"gantry/containers/runtime"
	"gantry/internal/testenv"
	"gantry/store"
)

// testParent keeps the tests' cgroups out of everyone's way.
var testParent = fmt.Sprintf("/gantry-test-%d", os.Getpid())

// TestMain is also the program that containers' supervisors and inits are
// executed from.
func TestMain(m *testing.M) {
	runtime.Init()
	if len(os.Args) > 1 && os.Args[1] == launch.Command {
		os.Exit(Main(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "prepare" {
		os.Exit(prepare())
	}
	if len(os.Args) > 2 && os.Args[1] == "watch" {
		os.Exit(watch(os.Args[2]))
	}
	_ = os.Setenv(runtime.ParentEnv, testParent)
	code := m.Run()
	v1, _ := filepath.Glob("/sys/fs/cgroup/*" + testParent)
	v2, _ := filepath.Glob("/sys/fs/cgroup" + testParent)
	for _, dir := range append(v1, v2...) {
		if err := os.Remove(dir); err != nil {
			fmt.Fprintln(os.Stderr, "left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// watch attaches to a container, says so, and looks on.
func watch(socket string) int {
	s, err := attach.Attach(context.Background(), socket, attach.Options{NoStdin: true})
	if err != nil {
		return 1
	}
	fmt.Println("attached")
	res, err := s.Stream(context.Background(), attach.Streams{Out: io.Discard, Err: io.Discard})
	if err != nil {
		return 1
	}
	fmt.Println(res.Dropped)
	return 0
}

// rig is a store with a busybox layer.
type rig struct {
	t      testing.TB
	store  *store.Store
	m      *containers.Manager
	lowers []string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	testenv.NeedsRoot(t)
	busybox := testenv.NeedsProgram(t, "busybox")
	base := t.TempDir()
	layer := filepath.Join(base, "layer")
	for _, dir := range []string{"bin", "etc", "tmp", "proc", "sys", "dev"} {
		check(t, os.MkdirAll(filepath.Join(layer, dir), 0o755))
	}
	program, err := os.ReadFile(busybox)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(layer, "bin/busybox"), program, 0o755))
	check(t, os.WriteFile(filepath.Join(layer, "bin/data"), []byte("no program"), 0o644))
	for _, name := range strings.Fields("sh true false cat ls sleep echo dd stty yes head printf seq kill ps env") {
		check(t, os.Symlink("busybox", filepath.Join(layer, "bin", name)))
	}
	s, err := store.Open(t.Context(), store.Options{Root: filepath.Join(base, "root"), Run: filepath.Join(base, "run")})
	check(t, err)
	hooks := containers.Hooks{CleanUp: func(r store.IntentRecord) error {
		return runtime.CleanUp(runtime.Leftover{ID: r.ID, StateRoot: r.LibcontainerRoot, CgroupPaths: r.CgroupPaths})
	}}
	return &rig{t: t, store: s, m: containers.New(s, hooks), lowers: []string{layer}}
}

// create makes a container without a network that runs a shell script.
func (r *rig) create(change func(*containers.Record), args ...string) string {
	r.t.Helper()
	rec := containers.Record{Platform: "linux/amd64"}
	rec.Config.Cmd = args
	rec.Host.NetworkMode = "none"
	if change != nil {
		change(&rec)
	}
	rec, err := r.m.Create(r.t.Context(), rec)
	check(r.t, err)
	r.t.Cleanup(func() {
		if err := r.m.Remove(context.Background(), rec.ID, containers.RemoveOptions{Force: true}); err != nil && !isGone(err) {
			r.t.Errorf("removing: %v", err)
		}
	})
	return rec.ID
}

func isGone(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "no such container")
}

func (r *rig) start(id string, in containers.StartInput) *attach.Session {
	r.t.Helper()
	s, err := r.m.Start(r.t.Context(), id, r.input(in))
	check(r.t, err)
	return s
}

func (r *rig) input(in containers.StartInput) containers.StartInput {
	in.Lowers = r.lowers
	return in
}

// run starts a container attached and returns what it wrote and its code.
func (r *rig) run(change func(*containers.Record), stdin string, args ...string) (string, int) {
	r.t.Helper()
	id := r.create(change, args...)
	s := r.start(id, containers.StartInput{Attach: true, Stdin: true})
	var out bytes.Buffer
	res, err := s.Stream(r.t.Context(), attach.Streams{In: strings.NewReader(stdin), Out: &out, Err: &out})
	check(r.t, err)
	if res.Dropped != 0 || res.Lost {
		r.t.Errorf("Stream = %+v", res)
	}
	return out.String(), res.ExitCode
}

func (r *rig) log(id string) string {
	r.t.Helper()
	l, err := logs.Open(r.m.LogDir(id))
	check(r.t, err)
	defer l.Close()
	var out bytes.Buffer
	check(r.t, l.Copy(r.t.Context(), logs.Options{Tail: -1}, &out, &out))
	return out.String()
}

// pid is the main process's, alive or not.
func (r *rig) pid(id string) int {
	r.t.Helper()
	c, err := r.m.Get(r.t.Context(), id)
	check(r.t, err)
	return c.State.Pid
}

// supervisorOf finds the supervisor by the file it holds locked.
func (r *rig) supervisorOf(id string) int {
	r.t.Helper()
	children, err := filepath.Glob("/proc/[0-9]*/cmdline")
	check(r.t, err)
	for _, path := range children {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "\x00"+launch.Command+"\x00"+id+"\x00") {
			var pid int
			_, err := fmt.Sscanf(path, "/proc/%d/", &pid)
			check(r.t, err)
			return pid
		}
	}
	r.t.Fatalf("container %s has no supervisor", id)
	return 0
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, within time.Duration, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// until is a writer that tells when it has seen a text.
type until struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	seen chan struct{}
	once sync.Once
}

func waitFor(text string) *until { return &until{text: text, seen: make(chan struct{})} }

func (u *until) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.buf.Write(p)
	if strings.Contains(u.buf.String(), u.text) {
		u.once.Do(func() { close(u.seen) })
	}
	return len(p), nil
}

func (u *until) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.buf.String()
}

func (u *until) wait(t testing.TB) {
	t.Helper()
	select {
	case <-u.seen:
	case <-time.After(10 * time.Second):
		t.Fatalf("never saw %q in %q", u.text, u.String())
	}
}

var _ io.Writer = (*until)(nil)
