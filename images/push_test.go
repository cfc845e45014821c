package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/opencontainers/go-digest"

	"gantry/images/internal/evilreg"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/store"
)

// headDigest is what a registry has under a name.
func headDigest(t *testing.T, full string) digest.Digest {
	t.Helper()
	ref, err := name.ParseReference(full)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := remote.Head(ref)
	if err != nil {
		t.Fatal(err)
	}
	return digest.Digest(desc.Digest.String())
}

func actions(sink *progress.Latest) map[string]int {
	steps, _ := sink.Snapshot()
	n := map[string]int{}
	for _, s := range steps {
		n[s.Action]++
	}
	return n
}

func TestPushKeepsDigests(t *testing.T) {
	im, from, to := open(t), evilreg.New(t), evilreg.New(t)
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 300_000, 20_000))
	img := mustPull(t, im, ref)
	target := to.Host + "/team/app:v1"
	if err := im.Tag(t.Context(), ref, target); err != nil {
		t.Fatal(err)
	}
	sink := progress.NewLatest()
	done, err := im.Push(t.Context(), target, PushOptions{}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != 1 || done[0].Digest != img.Target.Digest || done[0].Size != img.Target.Size || done[0].Tag != "v1" || done[0].Note != "" {
		t.Errorf("Push = %+v, want %s", done, img.Target.Digest)
	}
	if got := headDigest(t, target); got != img.Target.Digest {
		t.Errorf("the registry has %s, want %s", got, img.Target.Digest)
	}
	if got := actions(sink); got[actPushed] != 2 {
		t.Errorf("steps = %v, want 2 pushed", got)
	}
	again := progress.NewLatest()
	if _, err := im.Push(t.Context(), target, PushOptions{}, again); err != nil {
		t.Fatal(err)
	}
	if got := actions(again); got[actThere] != 2 {
		t.Errorf("steps = %v, want 2 there already", got)
	}
	if img, err = im.Resolve(t.Context(), target); err != nil || len(img.RepoDigests) != 2 {
		t.Errorf("RepoDigests = %v, %v, want both registries", img.RepoDigests, err)
	}
	other := open(t)
	if back := mustPull(t, other, target); back.Target.Digest != img.Target.Digest || back.ID != img.ID {
		t.Errorf("pulled back %s %s", back.Target.Digest, back.ID)
	}
}

func TestPushPartOfAnIndex(t *testing.T) {
	im, from, to := open(t), evilreg.New(t), evilreg.New(t)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: evilreg.Image(t, "amd64", 1000), Descriptor: ggcr.Descriptor{Platform: &ggcr.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: evilreg.Image(t, "arm64", 2000), Descriptor: ggcr.Descriptor{Platform: &ggcr.Platform{OS: "linux", Architecture: "arm64"}}})
	ref := from.Push(t, "multi:v1", index)
	img := mustPull(t, im, ref)
	target := to.Host + "/multi:v1"
	if err := im.Tag(t.Context(), ref, target); err != nil {
		t.Fatal(err)
	}
	done, err := im.Push(t.Context(), target, PushOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if done[0].Digest != img.Manifest.Digest || !strings.Contains(done[0].Note, "only the available single-platform image was pushed") {
		t.Errorf("Push = %+v, want the manifest %s and a note", done[0], img.Manifest.Digest)
	}
	if _, err := im.Push(t.Context(), target, PushOptions{Platform: "linux/arm64"}, nil); err == nil {
		t.Error("pushed a platform that is not here")
	}
	if _, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/arm64"}, nil); err != nil {
		t.Fatal(err)
	}
	if done, err = im.Push(t.Context(), target, PushOptions{}, nil); err != nil || done[0].Digest != img.Target.Digest || done[0].Note != "" {
		t.Errorf("Push = %+v, %v, want the whole index %s", done, err, img.Target.Digest)
	}
	if got := headDigest(t, target); got != img.Target.Digest {
		t.Errorf("the registry has %s, want %s", got, img.Target.Digest)
	}
}

func TestPushMountsAcrossRepositories(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "one:v1", evilreg.Image(t, "amd64", 50_000))
	img := mustPull(t, im, ref)
	if err := im.Tag(t.Context(), ref, reg.Host+"/two:v1"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var mounted []string
	known := map[string]bool{}
	reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		d := r.URL.Query().Get("mount")
		switch {
		case d != "":
			mounted = append(mounted, r.URL.Query().Get("from"))
			known[d] = true
			w.WriteHeader(http.StatusCreated)
			return true
		case r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/two/blobs/"):
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	sink := progress.NewLatest()
	done, err := im.Push(t.Context(), reg.Host+"/two:v1", PushOptions{}, sink)
	if err != nil || done[0].Digest != img.Target.Digest {
		t.Fatalf("Push = %+v, %v", done, err)
	}
	if len(mounted) != 2 || mounted[0] != "one" || actions(sink)[actMounted+"one"] != 1 {
		t.Errorf("mounted from %v, steps %v", mounted, actions(sink))
	}
}

func TestPushAllTags(t *testing.T) {
	im, from, to := open(t), evilreg.New(t), evilreg.New(t)
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	mustPull(t, im, ref)
	for _, tag := range []string{"b", "a"} {
		if err := im.Tag(t.Context(), ref, to.Host+"/app:"+tag); err != nil {
			t.Fatal(err)
		}
	}
	done, err := im.Push(t.Context(), to.Host+"/app", PushOptions{AllTags: true}, nil)
	if err != nil || len(done) != 2 || done[0].Tag != "a" || done[1].Tag != "b" {
		t.Errorf("Push = %+v, %v, want tags a and b", done, err)
	}
	for name, want := range map[string]string{to.Host + "/app:a": "tag can't be used", to.Host + "/none": "does not exist locally"} {
		if _, err := im.Push(t.Context(), name, PushOptions{AllTags: true}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Push(-a %s) = %v, want %q", name, err, want)
		}
	}
	if _, err := im.Push(t.Context(), to.Host+"/none:x", PushOptions{}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Push of nothing = %v", err)
	}
	other := open(t)
	all, err := other.PullAll(t.Context(), to.Host+"/app", PullOptions{Platform: "linux/amd64"}, nil)
	if err != nil || len(all) != 2 {
		t.Errorf("PullAll = %d images, %v", len(all), err)
	}
	if _, err := other.PullAll(t.Context(), to.Host+"/app:a", PullOptions{}, nil); err == nil {
		t.Error("PullAll took a tag")
	}
}

// flaky is the upload side of a registry that breaks off.
type flaky struct {
	mu      sync.Mutex
	has     map[string][]byte // by session
	cutAt   int               // of the first PUT
	resumes bool              // knows GET of an upload
	whole   int
	patches []string
	creds   bool // saw an Authorization header
}

func (f *flaky) hook(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.creds = f.creds || r.Header.Get("Authorization") != ""
	at := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case r.Method == http.MethodHead && strings.Contains(at, "/blobs/"):
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodPost:
		if f.has == nil {
			f.has = map[string][]byte{}
		}
		at = fmt.Sprintf("%s/%d-session", at, len(f.has))
		f.has[at] = []byte{}
		w.Header().Set("Location", at)
		w.WriteHeader(http.StatusAccepted)
	case r.Method == http.MethodGet && strings.HasSuffix(at, "-session"):
		if !f.resumes {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		w.Header().Set("Range", fmt.Sprintf("0-%d", len(f.has[at])-1))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPatch:
		f.patches = append(f.patches, r.Header.Get("Content-Range"))
		data, _ := io.ReadAll(r.Body)
		f.has[at] = append(f.has[at], data...)
		w.Header().Set("Location", at)
		w.WriteHeader(http.StatusAccepted)
	case r.Method == http.MethodPut && strings.HasSuffix(at, "-session"):
		if f.cutAt > 0 && r.ContentLength > int64(f.cutAt) {
			part, _ := io.ReadAll(io.LimitReader(r.Body, int64(f.cutAt)))
			f.has[at], f.cutAt, f.whole = part, 0, f.whole+1
			panic(http.ErrAbortHandler)
		}
		data, _ := io.ReadAll(r.Body)
		f.has[at] = append(f.has[at], data...)
		if got := digest.FromBytes(f.has[at]); got.String() != r.URL.Query().Get("digest") {
			http.Error(w, `{"errors":[{"code":"DIGEST_INVALID"}]}`, http.StatusBadRequest)
			return true
		}
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPut:
		w.WriteHeader(http.StatusCreated)
	default:
		return false
	}
	return true
}

func TestPushGoesOnAfterACut(t *testing.T) {
	for name, resumes := range map[string]bool{"resume": true, "restart": false} {
		t.Run(name, func(t *testing.T) {
			im, from, to := open(t), evilreg.New(t), evilreg.New(t)
			ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 3_000_000))
			mustPull(t, im, ref)
			if err := im.Tag(t.Context(), ref, to.Host+"/app:v1"); err != nil {
				t.Fatal(err)
			}
			f := &flaky{cutAt: 1_000_000, resumes: resumes}
			to.Misbehave(f.hook)
			if _, err := im.Push(t.Context(), to.Host+"/app:v1", PushOptions{}, nil); err != nil {
				t.Fatal(err)
			}
			if f.whole != 1 {
				t.Errorf("%d cuts, want 1", f.whole)
			}
			if resumed := len(f.patches) == 1 && strings.HasPrefix(f.patches[0], "1000000-"); resumed != resumes {
				t.Errorf("patches = %v, resume wanted: %v", f.patches, resumes)
			}
		})
	}
}

func TestPushWaitsAsTold(t *testing.T) {
	im, from, to := open(t), evilreg.New(t), evilreg.New(t)
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	mustPull(t, im, ref)
	if err := im.Tag(t.Context(), ref, to.Host+"/app:v1"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	refused := map[string]bool{} // what was put once already
	to.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		key := r.URL.Query().Get("digest") // none: the manifest
		if r.Method != http.MethodPut || len(refused) == 3 || refused[key] {
			return false
		}
		refused[key] = true
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	began := time.Now()
	if _, err := im.Push(t.Context(), to.Host+"/app:v1", PushOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	if len(refused) != 3 || time.Since(began) > 10*time.Second {
		t.Errorf("refused %d in %v, want a layer, a config and a manifest put twice at once", len(refused), time.Since(began))
	}
}

// TestPushLeavesAMovedNameAlone moves the tag while it is pushed.
func TestPushLeavesAMovedNameAlone(t *testing.T) {
	im, from, to := open(t), evilreg.New(t), evilreg.New(t)
	first := mustPull(t, im, from.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000)))
	second := mustPull(t, im, from.Push(t, "app:v2", evilreg.Image(t, "amd64", 2000)))
	target := to.Host + "/app:v1"
	if err := im.Tag(t.Context(), first.Names[0], target); err != nil {
		t.Fatal(err)
	}
	to.Misbehave(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			if err := im.Tag(t.Context(), second.Names[0], target); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	if _, err := im.Push(t.Context(), target, PushOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	if img, err := im.Resolve(t.Context(), target); err != nil || img.ID != second.ID {
		t.Errorf("the name leads to %s, %v, want where it was moved: %s", img.ID, err, second.ID)
	}
}

// TestPushOfADamagedBlob is told by the registry, which checks what it gets.
func TestPushOfADamagedBlob(t *testing.T) {
	im, from := open(t), evilreg.New(t)
	host := debianRegistry(t, false)
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 100_000))
	img := mustPull(t, im, ref)
	if err := im.Tag(t.Context(), ref, host+"/app:v1"); err != nil {
		t.Fatal(err)
	}
	s, err := im.summary(t.Context(), entry{target: img.Target, manifest: img.Manifest.Digest})
	if err != nil {
		t.Fatal(err)
	}
	blobPath, _ := im.blobs.Path(s.blobs[0].Digest)
	damage(t, blobPath)
	if _, err := im.Push(t.Context(), host+"/app:v1", PushOptions{}, nil); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Push = %v, want ErrDamaged", err)
	}
}

func TestPushNeverTellsStrangers(t *testing.T) {
	im, from, stranger, to := open(t), evilreg.New(t), evilreg.New(t), evilreg.New(t)
	im.reg = registry.New(RegistryConfig{Keychain: basic{}})
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	mustPull(t, im, ref)
	if err := im.Tag(t.Context(), ref, to.Host+"/app:v1"); err != nil {
		t.Fatal(err)
	}
	f := &flaky{has: map[string][]byte{}}
	stranger.Misbehave(f.hook)
	to.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "http://"+stranger.Host+r.URL.Path+r.URL.RawQuery+"a-session")
			w.WriteHeader(http.StatusAccepted)
			return true
		}
		return false
	})
	// The in-process registry then knows no blobs and refuses the manifest or
	// not; what matters is who saw the credentials.
	_, _ = im.Push(context.WithoutCancel(t.Context()), to.Host+"/app:v1", PushOptions{}, nil)
	if f.creds {
		t.Error("a foreign host saw the credentials")
	}
	if len(f.has) == 0 {
		t.Error("the foreign host was never asked")
	}
}
