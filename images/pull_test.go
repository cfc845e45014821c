package images

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	ggcr "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"gantry/images/internal/evilreg"
	"gantry/internal/progress"
	"gantry/internal/testenv"
	"gantry/store"
	"gantry/store/blob"
	"gantry/store/layer"
)

// anonymous keeps tests away from the machine's credentials.
type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// impatient shortens every wait.
func impatient() RegistryConfig {
	return RegistryConfig{
		Keychain: anonymous{}, HeaderTimeout: 300 * time.Millisecond, IdleTimeout: 200 * time.Millisecond,
		Backoff: 5 * time.Millisecond, MaxRetryAfter: time.Second,
	}
}

func open(t testing.TB) *Images {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.NeedsRoot(t)
	}
	return openAt(t, t.TempDir())
}

func openAt(t testing.TB, dir string) *Images {
	t.Helper()
	im, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func openDir(dir string) (*Images, error) {
	s, err := store.Open(context.Background(), store.Options{Root: filepath.Join(dir, "root"), Run: filepath.Join(dir, "run")})
	if err != nil {
		return nil, err
	}
	return New(s, blob.Open(s), layer.Open(s), impatient()), nil
}

// nothingLeft checks that a refused pull left no image, layer or part.
func nothingLeft(t *testing.T, im *Images) {
	t.Helper()
	if all, err := im.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("List = %v, %v, want none", all, err)
	}
	if all, err := im.layers.List(); err != nil || len(all) != 0 {
		t.Errorf("layers = %v, %v, want none", all, err)
	}
	left, _ := filepath.Glob(filepath.Join(im.s.Tmp(), "*"))
	for _, path := range left {
		if fi, err := os.Stat(path); err == nil && fi.Size() > 0 {
			t.Errorf("%s is left", path)
		}
	}
}

func mustPull(t *testing.T, im *Images, ref string) Image {
	t.Helper()
	img, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/amd64"}, nil)
	if err != nil {
		t.Fatalf("Pull(%q): %v", ref, err)
	}
	return img
}

func TestPull(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	made := evilreg.Image(t, "amd64", 300_000, 20_000)
	ref := reg.Push(t, "app:v1", made)
	sink := progress.NewLatest()
	img, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/amd64"}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := made.ConfigName(); img.ID.String() != id.String() {
		t.Errorf("ID = %s, want %s", img.ID, id)
	}
	if img.Size != 320_000 || img.Damaged != "" || len(img.Names) != 1 || img.Names[0] != ref {
		t.Errorf("image = %+v", img)
	}
	digest, _ := made.Digest()
	if want := reg.Host + "/app@" + digest.String(); len(img.RepoDigests) != 1 || img.RepoDigests[0] != want {
		t.Errorf("RepoDigests = %v, want %s", img.RepoDigests, want)
	}
	steps, logs := sink.Snapshot()
	for _, s := range steps {
		if s.ID != "registry" && (s.Action != actComplete || s.State != progress.Done || s.Current != s.Total) {
			t.Errorf("step = %+v, want complete", s)
		}
	}
	if last := logs[len(logs)-1].Line; last != "Status: Downloaded newer image for "+ref {
		t.Errorf("last line = %q", last)
	}
	data, err := os.ReadFile(im.s.Path("layers", img.Layers[0].Encoded(), "diff", "file0"))
	if err != nil || len(data) != 300_000 {
		t.Errorf("file0 has %d bytes, %v", len(data), err)
	}
	if n := reg.Gets("/blobs/"); n != 3 {
		t.Errorf("%d blob GETs, want 3", n)
	}

	reg.Misbehave(nil)
	reg.Push(t, "other:v2", evilreg.Image(t, "amd64", 300_000, 20_000, 1000))
	mustPull(t, im, reg.Host+"/other:v2")
	if n := reg.Gets("/blobs/"); n != 2 {
		t.Errorf("%d blob GETs for one new layer, want 2", n)
	}
	if all, err := im.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("List = %v, %v", all, err)
	}
}

func TestPullPlatform(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	index := mutate.AppendManifests(empty.Index)
	for _, p := range []ggcr.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm", Variant: "v6"},
		{OS: "linux", Architecture: "arm64", Variant: "v8"}} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: evilreg.Image(t, p.Architecture, 1000), Descriptor: ggcr.Descriptor{Platform: &p},
		})
	}
	ref := reg.Push(t, "multi", index)
	for asked, want := range map[string]string{
		"linux/amd64": "linux/amd64", "linux/arm64": "linux/arm64", "linux/arm/v7": "linux/arm/v7",
	} {
		img, err := im.Pull(t.Context(), ref, PullOptions{Platform: asked}, nil)
		if err != nil || img.Platform != want {
			t.Errorf("Pull(%s) = %s, %v", asked, img.Platform, err)
		}
		if top, _ := index.Digest(); img.Target.Digest.String() != top.String() {
			t.Errorf("target = %s, want the index %s", img.Target.Digest, top)
		}
	}
	_, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/s390x"}, nil)
	if err == nil || !strings.Contains(err.Error(), "image is for linux/amd64, linux/arm/v6, linux/arm64, not for linux/s390x") {
		t.Errorf("Pull(s390x) = %v", err)
	}
	all, err := im.List(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("List = %d images, %v; want 3: the name moved twice", len(all), err)
	}
	single := reg.Push(t, "single", evilreg.Image(t, "arm64", 10))
	_, err = im.Pull(t.Context(), single, PullOptions{Platform: "linux/amd64"}, nil)
	if err == nil || !strings.Contains(err.Error(), "image is linux/arm64, asked for is linux/amd64") {
		t.Errorf("Pull(single) = %v", err)
	}
}

// on answers GETs whose path contains part.
func on(part string, h http.HandlerFunc) evilreg.Hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, part) {
			return false
		}
		h(w, r)
		return true
	}
}

func TestPullCancelResumes(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	made := evilreg.Image(t, "amd64", 3<<20)
	ref := reg.Push(t, "big", made)
	layers, _ := made.Layers()
	d, _ := layers[0].Digest()
	size, _ := layers[0].Size()
	body, _ := layers[0].Compressed()
	half := make([]byte, 1<<20)
	if _, err := body.Read(half[:1]); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(half); {
		m, err := body.Read(half[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reg.Misbehave(on(d.String(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", itoa(size))
		_, _ = w.Write(half)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	go func() {
		part := im.s.Path("tmp", d.Hex+store.PartSuffix)
		for ctx.Err() == nil {
			if fi, err := os.Stat(part); err == nil && fi.Size() == int64(len(half)) {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	im.reg = noTimeouts()
	_, err := im.Pull(ctx, ref, PullOptions{Platform: "linux/amd64"}, nil)
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Fatalf("Pull = %v, want canceled", err)
	}
	var ranges []string
	reg.Misbehave(func(_ http.ResponseWriter, r *http.Request) bool {
		if v := r.Header.Get("Range"); v != "" {
			ranges = append(ranges, v)
		}
		return false
	})
	im = &Images{s: im.s, blobs: im.blobs, layers: im.layers, reg: noTimeouts()}
	mustPull(t, im, ref)
	if want := "bytes=1048576-" + itoa(size-1); len(ranges) != 1 || ranges[0] != want {
		t.Errorf("ranges = %v, want %s", ranges, want)
	}
	if sent := reg.Sent(); sent > size-int64(len(half))+5000 {
		t.Errorf("%d bytes sent again of %d", sent, size)
	}
}
