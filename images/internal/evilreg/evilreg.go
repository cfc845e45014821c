// Package evilreg is a registry in the test's process that misbehaves on
// request: a real registry behind a hook that sees every request first.
package evilreg

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Hook sees a request before the registry. It reports whether it answered.
type Hook func(w http.ResponseWriter, r *http.Request) bool

// Registry is a registry on a loopback port.
type Registry struct {
	Host string

	mu   sync.Mutex
	hook Hook
	log  []string // "GET /v2/…"
	sent int64    // bytes of blobs
}

// New starts a registry that the test's end stops.
func New(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		hook := r.hook
		r.log = append(r.log, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") {
			w = &countingWriter{w, r}
		}
		if hook != nil && hook(w, req) {
			return
		}
		inner.ServeHTTP(w, req)
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	r.Host = strings.TrimPrefix(srv.URL, "http://")
	return r
}

// Misbehave puts h in front of the registry and forgets what was logged.
func (r *Registry) Misbehave(h Hook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hook, r.log, r.sent = h, nil, 0
}

// Gets counts the GET requests whose path contains part.
func (r *Registry) Gets(part string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, l := range r.log {
		if strings.HasPrefix(l, "GET ") && strings.Contains(l, part) {
			n++
		}
	}
	return n
}

// Sent is how many bytes of blobs went out.
func (r *Registry) Sent() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// Push stores an image or index under repo:tag and returns the reference.
func (r *Registry) Push(t testing.TB, repoTag string, what any) string {
	t.Helper()
	full := r.Host + "/" + repoTag
	ref, err := name.ParseReference(full)
	if err != nil {
		t.Fatal(err)
	}
	switch v := what.(type) {
	case v1.Image:
		err = remote.Write(ref, v)
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, v)
	default:
		err = fmt.Errorf("cannot push %T", what)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Misbehave(nil)
	return full
}

// Image makes an image for a platform, one layer per argument, each holding a
// single file of so many poorly compressible bytes.
func Image(t testing.TB, architecture string, sizes ...int) v1.Image {
	t.Helper()
	img := empty.Image
	for i, size := range sizes {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(tarOf(i, architecture, size))), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.Append(img, mutate.Addendum{
			Layer: layer, History: v1.History{CreatedBy: fmt.Sprintf("RUN layer %d\x1b[2J", i)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	conf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	conf = conf.DeepCopy()
	conf.OS, conf.Architecture = "linux", architecture
	conf.Config.Cmd = []string{"/bin/sh"}
	if img, err = mutate.ConfigFile(img, conf); err != nil {
		t.Fatal(err)
	}
	return img
}

// tarOf is deterministic, so that images made from the same arguments share
// layers.
func tarOf(n int, salt string, size int) []byte {
	data := make([]byte, size)
	state := uint32(n*7919 + len(salt) + size)
	for i := range data {
		state = state*1664525 + 1013904223
		data[i] = byte(state >> 24)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: fmt.Sprintf("file%d", n), Mode: 0o644, Size: int64(size), Typeflag: tar.TypeReg})
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

type countingWriter struct {
	http.ResponseWriter
	r *Registry
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.r.mu.Lock()
	c.r.sent += int64(n)
	c.r.mu.Unlock()
	return n, err
}

// Flush sends what was written.
func (c *countingWriter) Flush() {
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
