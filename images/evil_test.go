package images

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/v1"

	"gantry/images/internal/evilreg"
	"gantry/images/registry"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func noTimeouts() *registry.Client { return registry.New(registry.Config{Keychain: anonymous{}}) }

// bytesOf returns the compressed first layer.
func bytesOf(t *testing.T, img ggcr.Image) (hex string, data []byte) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	d, _ := layers[0].Digest()
	return d.Hex, data
}

func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestRefused(t *testing.T) {
	made := evilreg.Image(t, "amd64", 200_000)
	hex, data := bytesOf(t, made)
	flipped := bytes.Clone(data)
	flipped[len(flipped)/2] ^= 1
	raw, _ := made.RawManifest()
	const typ = "application/vnd.docker.distribution.manifest.v2+json"
	manifest := func(old, new string) http.HandlerFunc {
		return answer(200, strings.Replace(string(raw), old, new, 1), "Content-Type", typ)
	}
	for name, c := range map[string]struct {
		path string
		h    http.HandlerFunc
		want string
	}{
		"401":           {"/manifests/", answer(401, `{"errors":[{"code":"UNAUTHORIZED","message":"x"}]}`), "asks for login (or the name does not exist): gantry login "},
		"403":           {"/manifests/", answer(403, "no"), "asks for login"},
		"404":           {"/manifests/", answer(404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), "manifest unknown"},
		"html":          {"/manifests/", answer(200, "<html>hi", "Content-Type", "text/html"), "a web page instead of a manifest"},
		"junk":          {"/manifests/", answer(200, `{"a":`), "broken JSON"},
		"escape":        {"/manifests/", answer(400, "\x1b]0;owned\x07no"), `400 Bad Request: \x1b]0;owned\x07no`},
		"both":          {"/manifests/", manifest(`"layers"`, `"manifests":[],"layers"`), "ambiguous manifest"},
		"twice":         {"/manifests/", manifest(`"layers"`, `"Layers":[],"layers"`), "occurs twice"},
		"header":        {"/manifests/", answer(200, string(raw), "Content-Type", "application/vnd.oci.image.index.v1+json"), "sent as application/vnd.oci.image.index.v1+json but calls itself"},
		"huge":          {"/manifests/", answer(200, strings.Repeat(" ", 6<<20)), "bytes or more"},
		"digest header": {"/manifests/", answer(200, string(raw), "Content-Type", typ, "Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64)), "announced sha256:000"},
		"bad digest":    {"/manifests/", manifest("sha256:"+hex, "sha256:../../../etc/passwd"), "is not sha256: and 64 hex digits"},
		"size":          {"/manifests/", manifest(`"size":`+itoa(int64(len(data))), `"size":10`), "has " + itoa(int64(len(data))) + " bytes, the manifest says 10"},
		"flipped":       {"/blobs/sha256:" + hex, answer(200, string(flipped)), "the content has digest"},
		"long":          {"/blobs/sha256:" + hex, answer(200, string(data)+"x", "Content-Length", itoa(int64(len(data)+1))), "bytes, the manifest says"},
		"endless": {"/blobs/sha256:" + hex, func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			for range 100 {
				_, _ = w.Write(data)
			}
		}, "sends more than"},
		"short": {"/blobs/sha256:" + hex, answer(200, string(data[:1000]), "Content-Length", itoa(int64(len(data)))), "gave up after"},
		"500":   {"/manifests/", answer(500, "oops"), "answered 500 Internal Server Error: oops"},
		"plain": {"/manifests/", answer(302, "", "Location", "ftp://x/y"), "refusing a redirect to ftp://x"},
		"inner": {"/manifests/", answer(307, "", "Location", "http://169.254.169.254/latest"), "internal address: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			im, reg := open(t), evilreg.New(t)
			ref := reg.Push(t, "app", made)
			reg.Misbehave(on(c.path, c.h))
			_, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/amd64"}, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b") {
				t.Fatalf("Pull = %v, want %q", err, c.want)
			}
			if name != "short" {
				nothingLeft(t, im)
			}
			reg.Misbehave(nil)
			mustPull(t, im, ref)
		})
	}
}

func TestManyLayersRefused(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	made := evilreg.Image(t, "amd64", make([]int, 129)...)
	ref := reg.Push(t, "app", made)
	_, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/amd64"}, nil)
	if err == nil || !strings.Contains(err.Error(), "image has 129 layers; limit 128") {
		t.Errorf("Pull = %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 10))
	var n atomic.Int32
	var first, second time.Time
	reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		if n.Add(1) == 1 {
			first = time.Now()
			answer(429, "slow down", "Retry-After", "1")(w, r)
			return true
		}
		second = time.Now()
		return false
	})
	mustPull(t, im, ref)
	if d := second.Sub(first); d < 950*time.Millisecond || d > 3*time.Second {
		t.Errorf("retried after %v, want 1 s", d)
	}
}

func TestNoRetryWhenDenied(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 10))
	reg.Misbehave(on("/manifests/", answer(401, "")))
	_, err := im.Pull(t.Context(), ref, PullOptions{}, nil)
	if !errors.Is(err, registry.ErrDenied) || reg.Gets("/manifests/") != 1 {
		t.Errorf("Pull = %v after %d requests", err, reg.Gets("/manifests/"))
	}
}

// A stream that is cut or falls silent goes on where it broke.
func TestResume(t *testing.T) {
	made := evilreg.Image(t, "amd64", 2<<20)
	hex, data := bytesOf(t, made)
	for name, silent := range map[string]bool{"cut": false, "stalled": true} {
		t.Run(name, func(t *testing.T) {
			im, reg := open(t), evilreg.New(t)
			ref := reg.Push(t, "app", made)
			var n atomic.Int32
			reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, hex) || n.Add(1) > 3 {
					return false
				}
				from := 0
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
					w.Header().Set("Content-Length", itoa(int64(len(data)-from)))
					w.WriteHeader(http.StatusPartialContent)
				} else {
					w.Header().Set("Content-Length", itoa(int64(len(data))))
				}
				_, _ = w.Write(data[from : from+200_000])
				w.(http.Flusher).Flush()
				if silent {
					<-r.Context().Done()
				}
				panic(http.ErrAbortHandler)
			})
			mustPull(t, im, ref)
			if sent := reg.Sent(); sent > int64(len(data))*105/100 {
				t.Errorf("%d bytes sent for %d", sent, len(data))
			}
			if got := reg.Gets(hex); got != 4 {
				t.Errorf("%d GETs, want 4", got)
			}
		})
	}
}

func TestHeaderTimeout(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 10))
	reg.Misbehave(on("/manifests/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	start := time.Now()
	_, err := im.Pull(t.Context(), ref, PullOptions{}, nil)
	if err == nil || reg.Gets("/manifests/") != 3 || time.Since(start) > 5*time.Second {
		t.Errorf("Pull = %v after %d requests and %v", err, reg.Gets("/manifests/"), time.Since(start))
	}
}

// A blob may lie on another host; that host never sees credentials.
func TestRedirectKeepsCredentials(t *testing.T) {
	made := evilreg.Image(t, "amd64", 1000)
	hex, data := bytesOf(t, made)
	var leaked, served atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			leaked.Add(1)
		}
		served.Add(1)
		_, _ = w.Write(data)
	}))
	defer other.Close()
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", made)
	im.reg = registry.New(registry.Config{Keychain: basic{}})
	reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
			return true
		}
		if strings.Contains(r.URL.Path, hex) {
			http.Redirect(w, r, other.URL+"/elsewhere", http.StatusTemporaryRedirect)
			return true
		}
		return false
	})
	mustPull(t, im, ref)
	if leaked.Load() != 0 || served.Load() != 1 {
		t.Errorf("the other host served %d requests, %d with credentials", served.Load(), leaked.Load())
	}
}

// A token server inside, other than the registry itself, gets nothing.
func TestTokenRealm(t *testing.T) {
	var hits atomic.Int32
	victim := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		_, _ = io.WriteString(w, `{"token":"x"}`)
	}))
	defer victim.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(victim.URL, "http://"), ":")
	for _, realm := range []string{victim.URL + "/token", "http://localhost:" + port + "/token", "http://10.255.255.1/token",
		"http://169.254.169.254/token", "http://2130706433:" + port + "/token"} {
		im, reg := open(t), evilreg.New(t)
		ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 10))
		im.reg = registry.New(registry.Config{Keychain: basic{}, DialTimeout: 300 * time.Millisecond})
		reg.Misbehave(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`",service="x"`)
			w.WriteHeader(401)
			return true
		})
		if _, err := im.Pull(t.Context(), ref, PullOptions{}, nil); err == nil || hits.Load() != 0 {
			t.Errorf("realm %s: Pull = %v, %d hits", realm, err, hits.Load())
		}
	}
}

// A nested or self-referring index ends soon.
func TestIndexBomb(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 10))
	reg.Misbehave(on("/manifests/", func(w http.ResponseWriter, r *http.Request) {
		type desc map[string]any
		var list []desc
		for i := range 2000 {
			list = append(list, desc{"mediaType": "application/vnd.oci.image.index.v1+json", "size": 1,
				"digest": fmt.Sprintf("sha256:%064x", i)})
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		_ = json.NewEncoder(w).Encode(desc{"schemaVersion": 2, "manifests": list})
	}))
	_, err := im.Pull(t.Context(), ref, PullOptions{}, nil)
	if err == nil || !strings.Contains(err.Error(), "lists 2000 manifests; limit 1000") {
		t.Errorf("Pull = %v", err)
	}
}

func TestHugeManifestMemory(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 10))
	reg.Misbehave(on("/manifests/", func(w http.ResponseWriter, _ *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for range 200 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := im.Pull(t.Context(), ref, PullOptions{}, nil)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; err == nil || grown > 64<<20 {
		t.Errorf("Pull = %v, allocated %d MiB", err, grown>>20)
	}
}

func TestCorruptBlobHeals(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app", evilreg.Image(t, "amd64", 100_000))
	img := mustPull(t, im, ref)
	sources, err := im.LayerSources(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	d := sources[0].Stored.Blob
	path, _ := im.blobs.Path(d.Digest)
	damage(t, path)
	if err := im.layers.Remove(t.Context(), img.Layers[0]); err != nil {
		t.Fatal(err)
	}
	if all, err := im.List(t.Context()); err != nil || all[0].Damaged == "" {
		t.Errorf("List = %+v, %v, want damaged", all, err)
	}
	if img := mustPull(t, im, ref); img.Damaged != "" {
		t.Errorf("still damaged: %s", img.Damaged)
	}
	// With a good blob, a lost layer needs no network.
	if err := im.layers.Remove(t.Context(), img.Layers[0]); err != nil {
		t.Fatal(err)
	}
	reg.Misbehave(nil)
	mustPull(t, im, ref)
	if n := reg.Gets("/blobs/"); n != 0 {
		t.Errorf("%d blob GETs, want 0", n)
	}
}
