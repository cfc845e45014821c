package images

import (
	"archive/tar"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var zeroDigest = "sha256:" + strings.Repeat("0", 64)

// tarOf is a tar of files that hold their names.
func tarOf(t *testing.T, names ...string) []byte {
	t.Helper()
	files := map[string]string{}
	for _, n := range names {
		files[n] = n
	}
	return filesTar(t, files)
}

func filesTar(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarLinks is a docker-archive whose config is a link: name, target, ….
func tarLinks(t *testing.T, links ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(links); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: links[i], Typeflag: tar.TypeSymlink, Linkname: links[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	const manifest = `[{"Config":"a","Layers":[]}]`
	if err := w.WriteHeader(&tar.Header{Name: "manifest.json", Typeflag: tar.TypeReg, Size: int64(len(manifest))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(manifest)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fileWith(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
