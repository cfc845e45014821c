package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/internal/evilreg"
	"gantry/images/registry"
)

func tarWith(name, content string) LayerSource {
	return LayerSource{Open: func() (io.ReadCloser, error) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg})
		_, _ = io.WriteString(w, content)
		_ = w.Close()
		return io.NopCloser(&b), err
	}}
}

func TestAdd(t *testing.T) {
	im := open(t)
	cfg := v1.Image{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
	cfg.Config.Cmd = []string{"sh"}
	base, err := im.Add(t.Context(), "gantry/toolbox", cfg, []LayerSource{tarWith("sh", "#!")})
	if err != nil {
		t.Fatal(err)
	}
	if len(base.Names) != 1 || base.Names[0] != "gantry/toolbox:latest" || base.Size != 2 || base.Damaged != "" {
		t.Errorf("Add = %+v", base)
	}
	layers, err := im.LayerSources(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	child, err := im.Add(t.Context(), "", cfg, append(layers, tarWith("more", "xyz")))
	if err != nil || child.Size != 5 || len(child.Names) != 0 || child.Layers[0] != base.Layers[0] {
		t.Errorf("Add = %+v, %v", child, err)
	}
	again, err := im.Add(t.Context(), "gantry/toolbox", cfg, []LayerSource{tarWith("sh", "#!")})
	if err != nil || again.ID != base.ID {
		t.Errorf("Add again = %s, %v, want %s", again.ID, err, base.ID)
	}
	for _, id := range []string{child.ID.String(), "gantry/toolbox"} {
		if _, err := im.Remove(t.Context(), id, RemoveOptions{}); err != nil {
			t.Error(err)
		}
	}
	nothingLeft(t, im)
}

func TestBearerToken(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 1000))
	im.reg = registry.New(registry.Config{Keychain: basic{}})
	reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			user, pass, _ := r.BasicAuth()
			if scope := r.URL.Query().Get("scope"); user != "user" || pass != "canary" || scope != "repository:app:pull" {
				t.Errorf("token asked by %s for %s", user, scope)
			}
			_, _ = io.WriteString(w, `{"token":"secret"}`)
			return true
		}
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+reg.Host+`/token",service="x"`)
			w.WriteHeader(401)
			return true
		}
		return false
	})
	mustPull(t, im, ref)
	if n := reg.Gets("/token"); n != 1 {
		t.Errorf("%d tokens asked for, want 1", n)
	}
}

// Plain HTTP is for this machine, or for who asks for it.
func TestPlainHTTP(t *testing.T) {
	im := open(t)
	start := time.Now()
	_, err := im.Pull(t.Context(), "10.255.255.1:5000/app", PullOptions{}, nil)
	if err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("Pull = %v after %v", err, time.Since(start))
	}
}

// The real multi-architecture busybox, where it is at hand.
func TestPullBusybox(t *testing.T) {
	dir := os.Getenv("GANTRY_TEST_IMAGES")
	if dir == "" {
		t.Skip("GANTRY_TEST_IMAGES names no directory with images")
	}
	im, reg := open(t), evilreg.New(t)
	index := mutate.AppendManifests(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		ix, err := layout.ImageIndexFromPath(filepath.Join(dir, "busybox", arch))
		if err != nil {
			t.Fatal(err)
		}
		m, _ := ix.IndexManifest()
		img, err := ix.Image(m.Manifests[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: m.Manifests[0]})
	}
	ref := reg.Push(t, "busybox:1.38", index)
	for _, arch := range []string{"amd64", "arm64"} {
		begin := time.Now()
		img, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/" + arch}, nil)
		if err != nil || img.Platform != "linux/"+arch || img.Damaged != "" {
			t.Errorf("Pull(%s) = %+v, %v", arch, img, err)
		}
		t.Logf("%s: %v", arch, time.Since(begin))
	}
}

// BenchmarkList500 lists 500 images of their own, as a fresh process does.
func BenchmarkList500(b *testing.B) {
	im := open(b)
	for i := range 500 {
		cfg := v1.Image{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
		cfg.Config.Env = []string{"PATH=/bin", strings.Repeat("x", 500)}
		for j := range 10 {
			cfg.History = append(cfg.History, v1.History{CreatedBy: fmt.Sprintf("RUN step %d of %d && make install", j, i)})
		}
		if _, err := im.Add(b.Context(), fmt.Sprintf("bench/i%d", i), cfg, []LayerSource{tarWith("a", "b")}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			im.seen = summaries{}
			if all, err := im.List(b.Context()); err != nil || len(all) != 500 {
				b.Fatal(len(all), err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if _, err := im.List(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
