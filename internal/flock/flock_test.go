package flock

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestExclusiveKeepsOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Try(path, Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path, Shared); !errors.Is(err, ErrLocked) {
		t.Fatalf("Try while held = %v, want ErrLocked", err)
	}
	if held, err := Held(path); err != nil || !held {
		t.Fatalf("Held = %v, %v, want true", held, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, path, Exclusive); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Acquire past its deadline = %v, want DeadlineExceeded", err)
	}
	l.Unlock()
	if held, err := Held(path); err != nil || held {
		t.Fatalf("Held after Unlock = %v, %v, want false", held, err)
	}
	if l, err = Acquire(context.Background(), path, Exclusive); err != nil {
		t.Fatal(err)
	}
	l.Unlock()
}

func TestHeldOfMissingFile(t *testing.T) {
	if held, err := Held(filepath.Join(t.TempDir(), "none")); held || err != nil {
		t.Fatalf("Held = %v, %v, want false, nil", held, err)
	}
}
