package containers

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/containers/attach"
	"gantry/containers/launch"
	"gantry/internal/testenv"
	"gantry/store"
)

func seconds(n int) *int { return &n }

func TestStop(t *testing.T) {
	tests := []struct {
		name, mode string
		o          StopOptions
		paused     bool
		want       int
	}{
		{"obeys", "", StopOptions{}, false, 143},
		{"other signal", "", StopOptions{Signal: "INT"}, false, 130},
		{"waits for ever", "", StopOptions{Timeout: seconds(-1)}, false, 143},
		{"stubborn", "stubborn", StopOptions{Timeout: seconds(0)}, false, 137},
		{"paused", "", StopOptions{}, true, 143},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.create("web")
			w.start(r.ID, tt.mode)
			if c := w.get("web"); c.State.Status != Running {
				t.Fatalf("started container is %s", c.State.Status)
			}
			if tt.paused {
				if err := w.Pause(w.ctx, "web"); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second time it is stopped already
				if err := w.Stop(w.ctx, "web", tt.o); err != nil {
					t.Fatalf("Stop = %v", err)
				}
				s := w.get("web").State
				if s.Status != Exited || s.ExitCode != tt.want || !s.Stopped || s.Pid != 0 {
					t.Errorf("after Stop: %+v, want exited %d, stopped", s, tt.want)
				}
			}
		})
	}
}

func TestStopOverridesContainerSettings(t *testing.T) {
	w := newWorld(t)
	r := w.createRecord(Record{Config: Config{StopSignal: "SIGQUIT", StopTimeout: seconds(0)}})
	w.start(r.ID, "")
	if err := w.Stop(w.ctx, r.ID, StopOptions{Signal: "NOPE"}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("Stop with a bad signal = %v, want ErrInvalid", err)
	}
	if c := w.get(r.ID); c.State.Stopped {
		t.Error("a refused Stop marked the container stopped")
	}
	if err := w.Stop(w.ctx, r.ID, StopOptions{Timeout: seconds(-1)}); err != nil {
		t.Fatal(err)
	}
	if c := w.get(r.ID); c.State.ExitCode != 131 {
		t.Errorf("exit code %d, want 131 of SIGQUIT", c.State.ExitCode)
	}
}

// A Stop that waits does not keep another from ending the container at once.
func TestSecondStopOvertakes(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	w.start(r.ID, "stubborn")
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.Stop(w.ctx, "web", StopOptions{Timeout: seconds(-1)}); err != nil {
			t.Errorf("first Stop = %v", err)
		}
	})
	if err := w.Stop(w.ctx, "web", StopOptions{Timeout: seconds(0)}); err != nil {
		t.Errorf("second Stop = %v", err)
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(w.ctx, time.Millisecond)
	defer cancel()
	w.start(r.ID, "stubborn")
	if err := w.Stop(ctx, "web", StopOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop past its context = %v, want DeadlineExceeded", err)
	}
}

func TestKill(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	for _, op := range []func() error{
		func() error { return w.Kill(w.ctx, "web", "") },
		func() error { return w.Pause(w.ctx, "web") },
		func() error { return w.Unpause(w.ctx, "web") },
		func() error { _, err := w.Attach(w.ctx, "web", attach.Options{}); return err },
		func() error { _, err := w.Exec(w.ctx, "web", attach.ExecSpec{}); return err },
		func() error { _, err := w.Sessions(w.ctx, "web"); return err },
	} {
		if err := op(); !errors.Is(err, ErrNotRunning) || err.Error() != "container web is not running" {
			t.Errorf("on a created container: %v, want that it is not running", err)
		}
	}
	w.start(r.ID, "stubborn")
	if err := w.Kill(w.ctx, "web", "NOPE"); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("Kill(NOPE) = %v, want ErrInvalid", err)
	}
	if err := w.Kill(w.ctx, "web", "HUP"); err != nil {
		t.Fatal(err)
	}
	if c := w.get("web"); c.State.Stopped || c.State.Status != Running {
		t.Errorf("after SIGHUP: %+v, want running and not marked stopped", c.State)
	}
	if err := w.Kill(w.ctx, "web", "9"); err != nil {
		t.Fatal(err)
	}
	if code, err := w.Wait(w.ctx, "web"); code != 137 || err != nil {
		t.Errorf("Wait = %d, %v, want 137", code, err)
	}
	if c := w.get("web"); !c.State.Stopped {
		t.Error("SIGKILL did not mark the container stopped")
	}
}

func TestPause(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	w.start(r.ID, "")
	if err := w.Pause(w.ctx, "web"); err != nil {
		t.Fatal(err)
	}
	if c := w.get("web"); c.State.Status != Paused {
		t.Errorf("status %s, want paused", c.State.Status)
	}
	if err := w.Pause(w.ctx, "web"); err == nil || !strings.Contains(err.Error(), "already paused") {
		t.Errorf("second Pause = %v", err)
	}
	if _, err := w.Exec(w.ctx, "web", attach.ExecSpec{}); err == nil || !strings.Contains(err.Error(), "is paused") {
		t.Errorf("Exec on paused = %v", err)
	}
	if _, err := w.Start(w.ctx, "web", StartInput{}); err == nil || !strings.Contains(err.Error(), "try unpause") {
		t.Errorf("Start of paused = %v", err)
	}
	if err := w.Unpause(w.ctx, "web"); err != nil {
		t.Fatal(err)
	}
	if err := w.Unpause(w.ctx, "web"); err == nil || !strings.Contains(err.Error(), "is not paused") {
		t.Errorf("second Unpause = %v", err)
	}
}

func TestStart(t *testing.T) {
	testenv.NeedsRoot(t)
	w := newWorld(t)
	r := w.create("web")
	var wg sync.WaitGroup
	for range 4 { // one starts it, the others find it running
		wg.Go(func() { w.start(r.ID, "") })
	}
	wg.Wait()
	first := w.get("web").State.Pid
	if err := w.Stop(w.ctx, "web", StopOptions{}); err != nil {
		t.Fatal(err)
	}
	// The supervisor may still be tidying up: that is waited for.
	s, err := w.Start(w.ctx, "web", StartInput{Attach: true})
	if err != nil {
		t.Fatal(err)
	}
	if s != nil {
		defer s.Close()
	}
	if c := w.get("web"); c.State.Status != Running || c.State.Pid == first || c.State.Stopped {
		t.Errorf("after the second start: %+v", c.State)
	}
}

func TestFailedStart(t *testing.T) {
	testenv.NeedsRoot(t)
	w := newWorld(t)
	w.create("stays")
	w.createRecord(Record{Name: "goes", Host: HostConfig{AutoRemove: true}})
	for _, name := range []string{"stays", "goes"} {
		_, err := w.Start(w.ctx, name, StartInput{Env: []string{modeEnv + "=unstartable"}})
		var said *launch.StartError
		if !errors.As(err, &said) || said.Code != 127 {
			t.Errorf("Start = %v, want a StartError with 127", err)
		}
	}
	c := w.get("stays")
	if c.State.Status != Created || c.State.ExitCode != 127 || !strings.Contains(c.State.Error, "not found") {
		t.Errorf("after a failed start: %+v", c.State)
	}
	if _, err := w.Get(w.ctx, "goes"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of an auto-removed one = %v, want ErrNotFound", err)
	}
	w.start("stays", "")
	if c := w.get("stays"); c.State.Error != "" {
		t.Errorf("the error of the failed start stays: %q", c.State.Error)
	}
}

func TestWait(t *testing.T) {
	w := newWorld(t)
	r := w.createRecord(Record{Name: "once", Host: HostConfig{AutoRemove: true}})
	if code, err := w.Wait(w.ctx, "once"); code != 0 || err != nil {
		t.Errorf("Wait for a created one = %d, %v, want 0", code, err)
	}
	w.start(r.ID, "")
	got := make(chan int)
	for range 3 {
		go func() {
			code, err := w.Wait(w.ctx, r.ID)
			if err != nil {
				t.Error(err)
			}
			got <- code
		}()
	}
	if err := w.Kill(w.ctx, "once", "TERM"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		// One that looks only when all is gone cannot know.
		if code := <-got; code != 143 && code != exitUnknown {
			t.Errorf("Wait = %d, want 143", code)
		}
	}
	// The supervisor erases it: until its lock is gone, then all the rest.
	if err := w.awaitFree(w.ctx, r.ID); err != nil {
		t.Fatal(err)
	}
	l, err := w.life(w.ctx, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.s.DropLock(lifeLocks, r.ID, l)
	if left := w.leftovers(); len(left) > 0 {
		t.Errorf("an auto-removed container left %v", left)
	}
}
