package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gantry/internal/flock"
)

func TestSweepTemp(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	long := time.Now().Add(-30 * 24 * time.Hour)
	write := func(path string, at time.Time) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now()
	tests := []struct {
		name, path string
		want       bool // is there afterwards
	}{
		{"unpacking left behind", write(s.Path("tmp", "layer", "f"), now), false},
		{"file left behind", write(s.Path("tmp", "blob-1"), now), false},
		{"download to resume", write(s.Path("tmp", "aa.part"), now), true},
		{"forgotten download", write(s.Path("tmp", "bb.part"), long), false},
		{"held download", write(s.Path("tmp", "cc.part"), long), true},
		{"record being written", write(s.Path("containers", "c1", ".tmp-record.json-1"), now), true},
		{"record temp left behind", write(s.Path("containers", "c1", ".tmp-record.json-2"), long), false},
		{"index temp left behind", write(s.Path(".tmp-index.json-2"), long), false},
		{"intent temp left behind", write(s.RunPath("intents", ".tmp-a.json-2"), long), false},
		{"record", write(s.Path("containers", "c1", "record.json"), long), true},
	}
	l, err := flock.Try(s.Path("tmp", "cc.part"), flock.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()

	release, err := s.Use(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SweepTemp(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Path("tmp", "blob-1")); err != nil {
		t.Errorf("swept while the store was in use: %v", err)
	}
	release()
	if err := s.SweepTemp(ctx); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		if _, err := os.Lstat(tt.path); (err == nil) != tt.want {
			t.Errorf("%s: exists %v, want %v", tt.name, err == nil, tt.want)
		}
	}
}
