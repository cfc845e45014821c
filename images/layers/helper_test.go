package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images"
)

// entry is a member of a layer's tar.
type entry = tar.Header

func file(name string, size int64) entry {
	return entry{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}
}

func dir(name string) entry { return entry{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755} }

func symlink(name, to string) entry {
	return entry{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, Mode: 0o777}
}

func hardlink(name, to string) entry {
	return entry{Typeflag: tar.TypeLink, Name: name, Linkname: to, Mode: 0o644}
}

func opaqueDir(name string) entry { return file(name+"/.wh..wh..opq", 0) }

// mode returns e with other permission bits.
func mode(e entry, bits int64) entry {
	e.Mode = bits
	return e
}

func xattr(e entry, key, value string) entry {
	e.PAXRecords = map[string]string{"SCHILY.xattr." + key: value}
	return e
}

// pack makes a layer's tar. The content of a file is its layer's number and
// name, repeated: what differs in neither is the same.
func pack(t testing.TB, salt string, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e); err != nil {
			t.Fatal(err)
		}
		if e.Size > 0 {
			line := []byte(salt + e.Name + "\n")
			data := bytes.Repeat(line, int(e.Size)/len(line)+1)[:e.Size]
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// image is layers made by pack, to be read as from an archive.
func image(tars ...[]byte) *images.Source {
	s := &images.Source{Close: func() error { return nil }}
	for i, data := range tars {
		s.Config.RootFS.DiffIDs = append(s.Config.RootFS.DiffIDs, digest.FromBytes(data))
		s.Config.History = append(s.Config.History, v1.History{CreatedBy: fmt.Sprintf("RUN /bin/sh -c step %d # buildkit", i)})
		s.Blobs = append(s.Blobs, v1.Descriptor{Size: int64(len(data)), Digest: digest.FromBytes(data)})
	}
	s.Blob = func(_ context.Context, i int) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(tars[i])), nil
	}
	return s
}

// index reads layers, each given by its entries; files of equal name differ in
// content from layer to layer.
func index(t testing.TB, layers ...[]entry) *Index {
	t.Helper()
	var tars [][]byte
	for i, entries := range layers {
		tars = append(tars, pack(t, fmt.Sprint(i), entries...))
	}
	x, err := Stream(t.Context(), "test", image(tars...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// view is View that must succeed.
func view(t testing.TB, x *Index, from, to int, o ViewOptions) *View {
	t.Helper()
	v, err := x.View(from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// listing writes a view, one row a line.
func listing(v *View) []string {
	var out []string
	for _, r := range v.Rows(0, v.Len()) {
		out = append(out, fmt.Sprintf("%s %s %d", r.Class.Letter(), r.Path, r.Size))
	}
	return out
}

// archiveFile writes a docker-archive of layers.
func archiveFile(t testing.TB, s *images.Source) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, data []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
	}
	type member struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	m := member{Config: "config.json", RepoTags: []string{"test:latest"}}
	for i := range s.Blobs {
		r, err := s.Blob(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		m.Layers = append(m.Layers, fmt.Sprintf("%d/layer.tar", i))
		add(m.Layers[i], data)
	}
	config, _ := json.Marshal(s.Config)
	add("config.json", config)
	manifest, _ := json.Marshal([]member{m})
	add("manifest.json", manifest)
	_ = w.Close()
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
