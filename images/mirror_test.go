package images

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gantry/images/credentials"
	"gantry/images/internal/evilreg"
	"gantry/images/registry"
	"gantry/internal/progress"
)

func withHosts(im *Images, hosts registry.Hosts) {
	cfg := impatient()
	cfg.Hosts = hosts
	im.reg = registry.New(cfg)
}

func TestMirror(t *testing.T) {
	im, up, mirror := open(t), evilreg.New(t), evilreg.New(t)
	made := evilreg.Image(t, "amd64", 300_000)
	ref := up.Push(t, "library/app:v1", made)
	mirror.Push(t, "hub/library/app:v1", made)
	withHosts(im, registry.Hosts{up.Host: {Mirrors: []string{"http://" + mirror.Host + "/hub"}}})
	up.Misbehave(nil)
	img := mustPull(t, im, ref)
	if n := up.Gets("/"); n != 0 {
		t.Errorf("%d requests to the registry, want all at the mirror", n)
	}
	if img.Names[0] != ref || !strings.HasPrefix(img.RepoDigests[0], up.Host+"/library/app@") {
		t.Errorf("names = %v %v, want the registry's", img.Names, img.RepoDigests)
	}
}

func TestMirrorFallsBack(t *testing.T) {
	made := evilreg.Image(t, "amd64", 300_000)
	for name, hook := range map[string]evilreg.Hook{
		"empty": nil,
		"broken": func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadGateway)
			return true
		},
		"lies": func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			w.Header().Set("Content-Length", "5")
			_, _ = w.Write([]byte("lies!"))
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			im, up, mirror := open(t), evilreg.New(t), evilreg.New(t)
			ref := up.Push(t, "app:v1", made)
			if name == "lies" {
				mirror.Push(t, "app:v1", made)
			}
			mirror.Misbehave(hook)
			withHosts(im, registry.Hosts{up.Host: {Mirrors: []string{mirror.Host}}})
			sink := progress.NewLatest()
			if _, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/amd64"}, sink); err != nil {
				t.Fatal(err)
			}
			steps, _ := sink.Snapshot()
			at := slices.IndexFunc(steps, func(s progress.Step) bool { return s.Name == "mirror "+mirror.Host })
			if at < 0 || !strings.HasSuffix(steps[at].Action, "trying "+up.Host) {
				t.Errorf("steps = %v, want a notice about the mirror", steps)
			}
		})
	}
}

// TestMirrorSeesNoCredentials has a login for the registry only.
func TestMirrorSeesNoCredentials(t *testing.T) {
	im, up, mirror := open(t), evilreg.New(t), evilreg.New(t)
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, `{"auths":{"`+up.Host+`":{"auth":"dXNlcjpjYW5hcnk="}}}`)
	ref := up.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	var leaked, known atomic.Bool
	asks := func(seen *atomic.Bool, serve bool) evilreg.Hook {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") != "" {
				seen.Store(true)
				return !serve
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
	}
	mirror.Misbehave(asks(&leaked, false))
	up.Misbehave(asks(&known, true))
	cfg := impatient()
	cfg.Keychain = credentials.New(path)
	cfg.Hosts = registry.Hosts{up.Host: {Mirrors: []string{mirror.Host}}}
	im.reg = registry.New(cfg)
	mustPull(t, im, ref)
	if leaked.Load() || !known.Load() {
		t.Errorf("mirror saw credentials: %v, registry saw them: %v", leaked.Load(), known.Load())
	}
}

func TestPlacesTakeTheLongestKey(t *testing.T) {
	c := registry.New(registry.Config{Keychain: anonymous{}, Hosts: registry.Hosts{
		"docker.io":        {Mirrors: []string{"m.example/hub", "https://n.example:5000"}},
		"docker.io/acme":   {Mirrors: []string{"acme.example/team"}},
		"docker.io/acme/x": {Mirrors: []string{"x.example/y"}},
	}})
	for name, want := range map[string]string{
		"debian":      "m.example/hub/library/debian n.example:5000/library/debian docker.io/library/debian",
		"acme/app":    "acme.example/team/app docker.io/acme/app",
		"acme/x":      "x.example/y docker.io/acme/x",
		"acme/xy":     "acme.example/team/xy docker.io/acme/xy",
		"q.example/a": "q.example/a",
	} {
		ref, err := tagged(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range c.Places(ref, false) {
			got = append(got, p.Ref.Name())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("Places(%s) = %v, want %s", name, got, want)
		}
	}
}

func TestHostsCheck(t *testing.T) {
	for want, hosts := range map[string]registry.Hosts{
		"":                              {"docker.io": {Mirrors: []string{"http://127.0.0.1:5000/x"}, Search: "https://s.example"}, "[::1]:5000": {Insecure: true}},
		"write host":                    {"hub": {}},
		`mirror "ftp://x"`:              {"docker.io": {Mirrors: []string{"ftp://x"}}},
		"a namespace can only have":     {"docker.io/x": {Insecure: true}},
		"search is not a URL":           {"docker.io": {Search: "s.example"}},
		`"reg.example/UP": write host[`: {"reg.example/UP": {}},
	} {
		if err := hosts.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Check(%v) = %v, want %q", hosts, err, want)
		}
	}
}

// TestPrivateAuthority reaches a registry by TLS that only certs.d vouches for.
func TestPrivateAuthority(t *testing.T) {
	im, plain := open(t), evilreg.New(t)
	plain.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	at, _ := url.Parse("http://" + plain.Host)
	srv := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(at))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "https://")
	certs := t.TempDir()
	open := func(h registry.Host) error {
		cfg := impatient()
		cfg.CertDirs = []string{certs}
		cfg.Hosts = registry.Hosts{host: h}
		im.reg = registry.New(cfg)
		_, err := im.Pull(t.Context(), host+"/app:v1", PullOptions{Platform: "linux/amd64"}, nil)
		return err
	}
	if err := open(registry.Host{}); err == nil {
		t.Fatal("a certificate nobody vouches for was taken")
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, string(ca))
	if err := open(registry.Host{CA: file}); err != nil {
		t.Errorf("with the ca key: %v", err)
	}
	if err := open(registry.Host{Insecure: true}); err != nil {
		t.Errorf("insecure: %v", err)
	}
	if err := os.Mkdir(filepath.Join(certs, host), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(certs, host, "ca.crt"), string(ca))
	if err := open(registry.Host{}); err != nil {
		t.Errorf("with certs.d: %v", err)
	}
	write(t, filepath.Join(certs, host, "client.cert"), string(ca))
	if err := open(registry.Host{}); err == nil || !strings.Contains(err.Error(), "client.key") {
		t.Errorf("a certificate without its key = %v", err)
	}
}

func TestSearch(t *testing.T) {
	im := open(t)
	var query string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.String()
		_, _ = w.Write([]byte(`{"results":[{"name":"a","description":"x\u001b[2J","star_count":3,"is_official":true},{"name":"b"}]}`))
	}))
	defer srv.Close()
	withHosts(im, registry.Hosts{"docker.io": {Search: srv.URL}, "none.example": {Search: "http://127.0.0.1:1"}})
	found, err := im.Search(t.Context(), "busy box", 1, false)
	if err != nil || len(found) != 1 || found[0].Stars != 3 || !found[0].Official || strings.Contains(found[0].Description, "\x1b") {
		t.Errorf("Search = %+v, %v", found, err)
	}
	if query != "/v1/search?n=1&q=busy+box" {
		t.Errorf("asked %s", query)
	}
	if _, err := im.Search(t.Context(), "none.example/x", 5, false); err == nil || !strings.Contains(err.Error(), "searching on 127.0.0.1:1") {
		t.Errorf("Search offline = %v", err)
	}
	reg := evilreg.New(t)
	if _, err := im.Search(t.Context(), reg.Host+"/x", 5, false); err == nil || !strings.Contains(err.Error(), "has no search") {
		t.Errorf("Search on a registry without = %v", err)
	}
	for _, limit := range []int{0, 101} {
		if _, err := im.Search(t.Context(), "x", limit, false); err == nil {
			t.Errorf("limit %d was taken", limit)
		}
	}
}
