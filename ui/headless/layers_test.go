package headless

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"gantry/engine"
)

// inspecting is a fakeEngine that looks into archives, as the real one does.
type inspecting struct {
	*fakeEngine
	real *engine.Engine
}

func (f inspecting) LayerIndex(ctx context.Context, source string) (*engine.LayerIndex, error) {
	return f.real.LayerIndex(ctx, source)
}

func (f inspecting) CompareImages(ctx context.Context, a, b string) (*engine.ImageDiff, error) {
	return f.real.CompareImages(ctx, a, b)
}

// archived writes a docker-archive of layers that are given as name and size.
func archived(t *testing.T, layers ...map[string]int) string {
	t.Helper()
	write := func(w *tar.Writer, name string, data []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
	}
	var config struct {
		Rootfs struct {
			Diffs []digest.Digest `json:"diff_ids"`
		} `json:"rootfs"`
		History []map[string]string `json:"history"`
	}
	var names []string
	var out bytes.Buffer
	o := tar.NewWriter(&out)
	for i, files := range layers {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, size := range files {
			write(w, name, bytes.Repeat([]byte{byte('a' + i)}, size))
		}
		_ = w.Close()
		config.Rootfs.Diffs = append(config.Rootfs.Diffs, digest.FromBytes(b.Bytes()))
		config.History = append(config.History, map[string]string{"created_by": "RUN step", "created": "2025-12-31T00:00:00Z"})
		names = append(names, strings.Repeat("x", i+1)+".tar")
		write(o, names[i], b.Bytes())
	}
	raw, _ := json.Marshal(config)
	write(o, "config.json", raw)
	raw, _ = json.Marshal([]any{map[string]any{"Config": "config.json", "Layers": names}})
	write(o, "manifest.json", raw)
	_ = o.Close()
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestInspector(t *testing.T) {
	t.Chdir(t.TempDir())
	wasteful := archived(t, map[string]int{"a": 1000}, map[string]int{"a": 1000}, map[string]int{"b": 10})
	clean := archived(t, map[string]int{"a": 1000})
	root := t.TempDir()
	real, err := engine.Open(t.Context(), engine.Config{Root: root, Run: filepath.Join(root, "run")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("lax", []byte("rules:\n  lowestEfficiency: 0.1\n  highestUserWastedPercent: disabled\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("wrong", []byte("rules:\n  highestWastedBytes: many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		argv string
		code int
		has  string
	}{
		{"layers " + wasteful, 0, "RUN step"},
		{"layers --json " + wasteful, 0, `"reclaimable": 1000`},
		{"layers --tree " + wasteful, 0, "A -rw-r--r--  0:0  1kB  a"},
		{"layers --layer 3 " + wasteful, 0, "A -rw-r--r--  0:0  10B  b\n"},
		{"layers --layer 2..3 --json " + wasteful, 0, `"class": "changed"`},
		{"layers --path a " + wasteful, 0, "2   changed  -rw-r--r--  1kB  RUN step"},
		{"layers --path a --json " + wasteful, 0, `"died": 2`},
		{"layers --path nope " + wasteful, 1, ""},
		{"layers --layer 4 " + wasteful, 2, ""},
		{"layers --layer 2..1 " + wasteful, 2, ""},
		{"layers", 2, ""},
		{"layers --nope x", 2, ""},
		{"layers nothere", 3, ""},
		{"diff-images " + clean + " " + wasteful, 0, "M -rw-r--r--  0:0  1kB  a\nA -rw-r--r--  0:0  10B  b\n"},
		{"diff-images --json " + clean + " " + clean, 0, "[]"},
		{"diff-images " + clean, 2, ""},
		{"diff-images " + clean + " docker-archive:nope", 3, ""},
		{"check " + clean, 0, "PASS  lowestEfficiency"},
		{"check " + wasteful, 1, "FAIL  lowestEfficiency"},
		{"check --json " + wasteful, 1, `"passed": false`},
		{"check --rules lax " + wasteful, 0, "SKIP  highestUserWastedPercent"},
		{"check --rules lax --lowestEfficiency 0.99 " + wasteful, 1, "FAIL"},
		{"check --rules wrong " + clean, 2, ""},
		{"check --rules missing " + clean, 2, ""},
		{"check --highestWastedBytes x " + clean, 2, ""},
		{"check oci:nope", 3, ""},
	} {
		var out, errs bytes.Buffer
		a := newApp(IO{Out: &out, Err: &errs, Env: environ}, func(context.Context) (door, error) {
			return inspecting{sample(), real}, nil
		}, Options{})
		a.now = func() time.Time { return clock }
		if code := a.execute(t.Context(), strings.Fields(c.argv)); code != c.code || !strings.Contains(out.String(), c.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.argv, code, c.code, out.String(), errs.String())
		} else if code > exitRule && (errs.Len() == 0 || out.Len() > 0) {
			t.Errorf("%s: %q on standard output, %q beside it", c.argv, out.String(), errs.String())
		}
	}
	if err := errors.Join(real.Close()); err != nil {
		t.Error(err)
	}
}
