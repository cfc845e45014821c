package containers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"gantry/containers/attach"
	"gantry/containers/launch"
	"gantry/internal/testenv"
	"gantry/store"
)

// modeEnv tells the supervisor of these tests what its container does.
const modeEnv = "GANTRY_TEST_MODE"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == launch.Command {
		os.Exit(supervise())
	}
	if len(os.Args) > 2 && os.Args[1] == "do" {
		os.Exit(do(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// supervisor is a real supervisor process around a container that consists of
// nothing.
type supervisor struct {
	m    *Manager
	id   string
	exit chan int
}

func (s supervisor) Exec(context.Context, attach.ExecSpec) (*attach.Hub, func(), error) {
	return nil, nil, &attach.Error{Code: 127, Text: "nothing here"}
}
func (s supervisor) Pause() error        { return nil }
func (s supervisor) Unpause() error      { return nil }
func (s supervisor) Stats() (any, error) { return nil, nil }

func (s supervisor) signal(name string) error {
	sig, err := ParseSignal(name)
	if err != nil {
		return err
	}
	if os.Getenv(modeEnv) == "stubborn" && sig != syscall.SIGKILL {
		return nil
	}
	select {
	case s.exit <- 128 + int(sig):
	default:
	}
	return nil
}

func supervise() int {
	caller, err := launch.Caller()
	if err != nil {
		return 1
	}
	start, err := launch.Receive(caller)
	if err != nil {
		return 1
	}
	answer := func(r launch.Ready) { _ = json.NewEncoder(caller).Encode(r) }
	if os.Getenv(modeEnv) == "unstartable" {
		answer(launch.Ready{Error: "exec: \"nope\": not found", Code: 127})
		return 1
	}
	if err := run(start, func() { answer(launch.Ready{Ready: true, Pid: os.Getpid()}); _ = caller.Close() }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func run(start launch.Start, started func()) error {
	ctx := context.Background()
	id := start.ID
	s, err := store.Open(ctx, store.Options{Root: start.Root, Run: start.Run})
	if err != nil {
		return err
	}
	sv := supervisor{New(s, Hooks{}), id, make(chan int, 1)}
	if err := s.Intent(id).Write(store.IntentRecord{Owner: "test", CgroupPaths: []string{"/none"}}); err != nil {
		return err
	}
	r, err := sv.m.Update(ctx, id, func(r *Record) error {
		r.State = State{Status: Running, Pid: os.Getpid(), BootID: s.BootID(), StartedAt: now()}
		return nil
	})
	if err != nil {
		return err
	}
	l, err := attach.Listen(sv.m.Socket(id))
	if err != nil {
		return err
	}
	hub := attach.NewHub(attach.Process{Args: r.Config.Cmd, Signal: sv.signal})
	server := attach.NewServer(sv, hub)
	go server.Serve(l)
	started()
	code := <-sv.exit
	_, err = sv.m.Update(ctx, id, func(r *Record) error { r.ended(Exited, code, now()); return nil })
	if err != nil {
		return err
	}
	hub.Finish(code)
	server.Close()
	if err := errors.Join(l.Close(), s.Intent(id).Remove()); err != nil || !r.Host.AutoRemove {
		return err
	}
	return sv.m.Erase(ctx, id)
}

// world is a store with a manager; every supervisor in it is killed at the end.
type world struct {
	*Manager
	t       testing.TB
	ctx     context.Context
	cleaned []string // by the hooks
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(context.Background(), store.Options{Root: dir + "/root", Run: dir + "/run"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: context.Background()}
	w.Manager = New(s, Hooks{
		CleanUp: func(r store.IntentRecord) error { w.cleaned = append(w.cleaned, "cleanup "+short(r.ID)); return nil },
		Detach: func(_ context.Context, id string) error {
			w.cleaned = append(w.cleaned, "detach "+short(id))
			return nil
		},
	})
	t.Cleanup(func() {
		entries, err := w.records.List(w.ctx)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			w.killSupervisor(e.ID)
		}
	})
	return w
}

// killSupervisor sends SIGKILL to the supervisor of a container, if it has one,
// and waits for its end.
func (w *world) killSupervisor(id string) {
	w.t.Helper()
	held, err := w.supervised(id)
	if err != nil || !held {
		return
	}
	r, err := w.records.Get(id)
	if err == nil && r.State.Pid > 1 {
		err = syscall.Kill(r.State.Pid, syscall.SIGKILL)
	}
	if err == nil || errors.Is(err, syscall.ESRCH) {
		err = w.awaitFree(w.ctx, id)
	}
	if err != nil {
		w.t.Errorf("killing the supervisor of %s: %v", id, err)
	}
}

func (w *world) create(name string) Record {
	w.t.Helper()
	return w.createRecord(Record{Name: name, Config: Config{Cmd: []string{"x"}}})
}

func (w *world) createRecord(r Record) Record {
	w.t.Helper()
	r, err := w.Create(w.ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// start starts a container whose behaviour is mode.
func (w *world) start(id, mode string) {
	w.t.Helper()
	testenv.NeedsRoot(w.t)
	if _, err := w.Start(w.ctx, id, StartInput{Env: []string{modeEnv + "=" + mode}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(ref string) Container {
	w.t.Helper()
	c, err := w.Get(w.ctx, ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// leftovers lists what erased containers must not leave.
func (w *world) leftovers() []string {
	w.t.Helper()
	var all []string
	for _, pattern := range []string{
		w.s.Path("containers", "*"), w.s.Path("containers", ".names", "*"), w.s.RunPath("c", "*"), w.s.RunPath("intents", "*"),
		w.s.RunPath("locks", "life", "*"), w.s.RunPath("locks", "containers", "*"),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, path := range found {
			if filepath.Base(path) != ".names" {
				all = append(all, path)
			}
		}
	}
	return all
}

// do is a child process that works on containers until it is killed.
func do(args []string) int {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Root: args[1] + "/root", Run: args[1] + "/run"})
	if err != nil {
		return 1
	}
	m := New(s, Hooks{})
	for i := 0; err == nil; i++ {
		switch args[0] {
		case "create":
			_, err = m.Create(ctx, Record{Name: fmt.Sprintf("name%d", i%3)})
			if errors.Is(err, store.ErrExists) {
				err = m.Remove(ctx, fmt.Sprintf("name%d", i%3), RemoveOptions{})
			}
		case "rename":
			err = m.Rename(ctx, fmt.Sprintf("name%d", i%2), fmt.Sprintf("name%d", (i+1)%2))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
