package store

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"gantry/internal/flock"

	"go.uber.org/goleak"
)

func TestWatch(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := open(t)
	other, err := Open(context.Background(), Options{Root: s.Root(), Run: s.Run()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	changes, err := s.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// More changes than the reader takes are folded, none of a kind is lost.
	for range 1000 {
		other.Changed(Containers)
	}
	other.Changed(Images)
	seen := 0
	for c := range changes {
		if seen++; c.Kind == Images {
			break
		}
	}
	if seen > 900 {
		t.Errorf("%d notices for two kinds, want them folded", seen)
	}
	cancel()
	for range changes { // until it is closed
	}
}

func TestWatchOfNewerStoreWithoutNotices(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Store{root: t.TempDir(), run: t.TempDir(), newer: newerError{9}}
	changes, err := s.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if c, ok := <-changes; ok {
		t.Errorf("got %v, want a closed channel", c)
	}
}

// TestWatchSeesSupervisorsDie kills a process that holds a supervisor's lock
// and tells nobody.
func TestWatchSeesSupervisorsDie(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := open(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	before, kill := supervise(t, s, "before")
	changes, err := s.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	after, killAfter := supervise(t, s, "after")
	s.Changed(Volumes) // what was made before it was watched when this is heard
	await(t, changes, Volumes)
	for _, path := range []string{before, after} {
		for range 100 { // as lists do
			if held, err := flock.Held(path); err != nil || !held {
				t.Fatalf("Held = %v, %v, want true", held, err)
			}
			if _, err := flock.Try(path, flock.Shared); !errors.Is(err, flock.ErrLocked) {
				t.Fatalf("Try = %v, want ErrLocked", err)
			}
		}
	}
	// Events come in order: had looking been one, it would come first.
	s.Changed(Images)
	await(t, changes, Images)
	for _, kill := range []func(){kill, killAfter} {
		killed := time.Now()
		kill()
		await(t, changes, Containers)
		if d := time.Since(killed); d > time.Second {
			t.Errorf("the death was heard of after %v, want within 1 s", d)
		}
	}
	cancel()
	for range changes { // until it is closed
	}
}

func await(t *testing.T, changes <-chan Change, kind string) {
	t.Helper()
	if c, ok := <-changes; !ok || c.Kind != kind {
		t.Fatalf("heard %q, want %q", c.Kind, kind)
	}
}

// supervise starts a process that holds the lock of container id.
func supervise(t *testing.T, s *Store, id string) (path string, kill func()) {
	t.Helper()
	if err := os.Mkdir(s.RunPath("c", id), 0o700); err != nil {
		t.Fatal(err)
	}
	path = s.RunPath("c", id, lockName)
	l, err := flock.Try(path, flock.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	process := exec.Command("sleep", "60")
	process.ExtraFiles = []*os.File{l.File()}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		if err := process.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = process.Wait()
	}
}
