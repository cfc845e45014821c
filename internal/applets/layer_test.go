package applets

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestLayerIsWholeAndDeterministic(t *testing.T) {
	self := filepath.Join(t.TempDir(), "self")
	if err := os.WriteFile(self, []byte("binary"), 0o700); err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	for _, b := range []*bytes.Buffer{&one, &two} {
		if err := Layer(b, self); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two layers of one binary differ")
	}
	found := map[string]*tar.Header{}
	for r := tar.NewReader(&one); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found[h.Name] = h
	}
	if h := found["tmp/"]; h == nil || h.Mode != 0o1777 {
		t.Errorf("tmp/ = %+v, want mode 1777", h)
	}
	if h := found["bin/gantry-toolbox"]; h == nil || h.Mode != 0o755 || h.Size != 6 {
		t.Errorf("the binary = %+v", h)
	}
	for name, target := range map[string]string{"bin/sh": "gantry-toolbox", "bin/ls": "gantry-toolbox", "bin/ps": "gantry-toolbox", "usr/bin/env": "/bin/env"} {
		if h := found[name]; h == nil || h.Linkname != target {
			t.Errorf("%s = %+v, want a link to %s", name, h, target)
		}
	}
	for _, name := range []string{"etc/passwd", "etc/group", "etc/profile", "etc/os-release", "root/", "var/"} {
		if found[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}
