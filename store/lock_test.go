package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// holdEnv makes the test binary hold a lock until it is killed.
const holdEnv = "GANTRY_TEST_HOLD"

func TestMain(m *testing.M) {
	if hold := os.Getenv(holdEnv); hold != "" {
		os.Exit(holdForever(hold))
	}
	os.Exit(m.Run())
}

func holdForever(what string) int {
	ctx := context.Background()
	s, err := Open(ctx, Options{Root: os.Getenv("ROOT"), Run: os.Getenv("RUN")})
	if err == nil && what == "use" {
		_, err = s.Use(ctx)
	} else if err == nil {
		_, err = s.Lock(ctx, Containers, what)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// hold starts a process that holds a lock; the returned func kills it with
// SIGKILL.
func hold(t *testing.T, s *Store, what string) (kill func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), holdEnv+"="+what, "ROOT="+s.Root(), "RUN="+s.Run())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = stdin.Close()
		}
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("holder said %q, %v", line, err)
	}
	return kill
}

func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestLockOfKilledProcessIsFree(t *testing.T) {
	s := open(t)
	kill := hold(t, s, "abc")
	if _, err := s.TryLock(Containers, "abc"); !errors.Is(err, ErrLocked) {
		t.Fatalf("TryLock while held = %v, want ErrLocked", err)
	}
	if _, err := s.Lock(short(t), Containers, "abc"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Lock while held = %v, want DeadlineExceeded", err)
	}
	other, err := s.TryLock(Containers, "other")
	if err != nil {
		t.Fatalf("TryLock of another object = %v", err)
	}
	other.Unlock()
	kill()
	l, err := s.TryLock(Containers, "abc")
	if err != nil {
		t.Fatalf("TryLock after kill -9 = %v", err)
	}
	l.Unlock()
}

func TestUseKeepsExclusiveOut(t *testing.T) {
	s := open(t)
	kill := hold(t, s, "use")
	release, err := s.Use(context.Background())
	if err != nil {
		t.Fatalf("second Use = %v", err)
	}
	release()
	if _, err := s.Exclusive(short(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Exclusive while used = %v, want DeadlineExceeded", err)
	}
	kill()
	release, err = s.Exclusive(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := s.Use(short(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Use while exclusive = %v, want DeadlineExceeded", err)
	}
}

// A waiter that gets the lock of a dropped file must not believe it has the
// lock others see.
func TestDropLockSendsWaitersOn(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	first, err := s.Lock(ctx, Containers, "gone")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		l, err := s.Lock(ctx, Containers, "gone")
		if err == nil && !same(l.File(), s.RunPath("locks", Containers, "gone.lock")) {
			err = errors.New("got the lock of a removed file")
		}
		l.Unlock()
		got <- err
	}()
	<-waiting
	s.DropLock(Containers, "gone", first)
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

func TestLockRefusesPaths(t *testing.T) {
	s := open(t)
	for _, key := range []string{"", "../x", "a/b", ".lock"} {
		if _, err := s.TryLock(Containers, key); !errors.Is(err, ErrInvalid) {
			t.Errorf("TryLock(%q) = %v, want ErrInvalid", key, err)
		}
	}
	l, err := s.TryLock("blobs", "sha256:00")
	if err != nil {
		t.Fatalf("TryLock of a digest = %v", err)
	}
	l.Unlock()
}
