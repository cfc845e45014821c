package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteReplacesWholeAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, want := range []string{"a long first content", "b"} {
		if err := Write(path, []byte(want), 0o600, PowerCut); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Fatalf("content = %q, %v, want %q", got, err, want)
		}
	}
	names, _ := os.ReadDir(dir)
	if len(names) != 1 {
		t.Fatalf("directory holds %v, want one file", names)
	}
}

func TestWriteFailsWithoutTouchingTheTarget(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	if err := Write(filepath.Join(dir, "f"), nil, 0o600, Crash); err == nil {
		t.Fatal("Write into a missing directory succeeded")
	}
}
