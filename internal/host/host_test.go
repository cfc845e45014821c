package host

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRead(t *testing.T) {
	f := Read()
	if f.CPUs < 1 || f.MemoryBytes < 1<<20 || f.KernelVersion == "" || f.Architecture == "" {
		t.Errorf("Read() = %+v: something is missing", f)
	}
}

func TestSystemName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "os-release")
	for in, want := range map[string]string{
		"NAME=x\nPRETTY_NAME=\"A \\\"B\\\" 1\"\n": `A "B" 1`,
		"PRETTY_NAME='plain'\n":                   "plain",
		"PRETTY_NAME=bare\n":                      "bare",
		"":                                        "",
	} {
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := systemName(path); got != want {
			t.Errorf("systemName(%q) = %q, want %q", in, got, want)
		}
	}
}
