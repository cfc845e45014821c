package store

import (
	"context"
	"testing"

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
