package images

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gantry/images/credentials"
	"gantry/images/internal/evilreg"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/internal/testenv"
)

// canaryHash is bcrypt of "canary".
const canaryHash = "$2y$05$abcdefghijklmnopqrstuuRprvAQdy7TukEWRpyjPPFyNaLWFtNea"

// debianRegistry runs Docker's own registry until the test ends; with a
// password it asks for user and canary.
func debianRegistry(t *testing.T, password bool) (host string) {
	t.Helper()
	bin := testenv.NeedsProgram(t, "docker-registry")
	dir := t.TempDir()
	config := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: \"127.0.0.1:0\"}\n", dir)
	if password {
		write(t, filepath.Join(dir, "htpasswd"), "user:"+canaryHash+"\n")
		config += fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s}}\n", filepath.Join(dir, "htpasswd"))
	}
	write(t, filepath.Join(dir, "config.yml"), config)
	cmd := exec.Command(bin, "serve", filepath.Join(dir, "config.yml"))
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(says)
	for lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), "listening on "); found {
			go func() { _, _ = io.Copy(io.Discard, says) }() // until it ends
			return strings.FieldsFunc(rest, func(r rune) bool { return r == '"' || r == ' ' || r == ',' })[0]
		}
	}
	t.Fatalf("docker-registry does not listen: %v", lines.Err())
	return ""
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ownConfig keeps credentials in a directory of the test's.
func ownConfig(t *testing.T, im *Images) (path string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("REGISTRY_AUTH_FILE", "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	cfg := impatient()
	cfg.Keychain = credentials.Default()
	im.reg = registry.New(cfg)
	return filepath.Join(dir, "config.json")
}

func TestDebianRegistryLoginPushPull(t *testing.T) {
	im, from := open(t), evilreg.New(t)
	host := debianRegistry(t, true)
	path := ownConfig(t, im)
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 2_000_000, 1000))
	img := mustPull(t, im, ref)
	target := host + "/team/app:v1"
	if err := im.Tag(t.Context(), ref, target); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Push(t.Context(), target, PushOptions{}, nil); !errors.Is(err, registry.ErrDenied) {
		t.Fatalf("Push of a stranger = %v", err)
	}
	login := LoginOptions{Registry: host, Username: "user", Password: "wrong", PlainText: true}
	if _, err := im.Login(t.Context(), login); !errors.Is(err, registry.ErrDenied) || !strings.Contains(err.Error(), "incorrect username or password") {
		t.Errorf("Login with a wrong password = %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused login was stored")
	}
	login.Password = "canary"
	login.PlainText = false
	var plain *credentials.PlainError
	if _, err := im.Login(t.Context(), login); !errors.As(err, &plain) {
		t.Errorf("Login without a helper = %v", err)
	}
	login.PlainText = true
	if in, err := im.Login(t.Context(), login); err != nil || in.Path != path || in.Helper != "" {
		t.Fatalf("Login = %+v, %v", in, err)
	}
	if in, err := im.Login(t.Context(), LoginOptions{Registry: "http://" + host + "/"}); err != nil || in.Username != "user" {
		t.Errorf("Login again = %+v, %v", in, err)
	}
	done, err := im.Push(t.Context(), target, PushOptions{}, nil)
	if err != nil || done[0].Digest != img.Target.Digest {
		t.Fatalf("Push = %+v, %v", done, err)
	}
	if err := im.Tag(t.Context(), ref, host+"/other/app:v2"); err != nil {
		t.Fatal(err)
	}
	sink := progress.NewLatest()
	if _, err := im.Push(t.Context(), host+"/other/app:v2", PushOptions{}, sink); err != nil || actions(sink)[actMounted+"team/app"] != 2 {
		t.Errorf("second Push = %v, %v, want both layers mounted", actions(sink), err)
	}
	second := open(t)
	second.reg = im.reg
	if back := mustPull(t, second, target+"@"+img.Target.Digest.String()); back.Target.Digest != img.Target.Digest || back.ID != img.ID {
		t.Errorf("pulled back %+v", back)
	}
	if all, err := second.PullAll(t.Context(), host+"/other/app", PullOptions{Platform: "linux/amd64"}, nil); err != nil || len(all) != 1 {
		t.Errorf("PullAll = %d, %v", len(all), err)
	}
	if _, found, _, err := im.Logout(t.Context(), host); err != nil || !found {
		t.Errorf("Logout = %v, %v", found, err)
	}
	if _, err := im.Pull(t.Context(), target, PullOptions{}, nil); !errors.Is(err, registry.ErrDenied) {
		t.Errorf("Pull after logout = %v", err)
	}
}

// TestDebianRegistryBrokenUpload pushes through a wire that breaks once.
func TestDebianRegistryBrokenUpload(t *testing.T) {
	im, from := open(t), evilreg.New(t)
	host := debianRegistry(t, false)
	var cuts atomic.Int32
	at, _ := url.Parse("http://" + host)
	proxy := httputil.NewSingleHostReverseProxy(at)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.ContentLength > 1_000_000 && cuts.Add(1) == 1 {
			buf := make([]byte, 500_000)
			_, _ = r.Body.Read(buf)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer srv.Close()
	ref := from.Push(t, "app:v1", evilreg.Image(t, "amd64", 4_000_000))
	img := mustPull(t, im, ref)
	target := strings.TrimPrefix(srv.URL, "http://") + "/app:v1"
	if err := im.Tag(t.Context(), ref, target); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Push(t.Context(), target, PushOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	if cuts.Load() < 2 {
		t.Error("the wire never broke")
	}
	if got := headDigest(t, target); got != img.Target.Digest {
		t.Errorf("the registry has %s, want %s", got, img.Target.Digest)
	}
}

func TestManifestListOnDebianRegistry(t *testing.T) {
	im, from := open(t), evilreg.New(t)
	host := debianRegistry(t, false)
	names := map[string]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		ref := from.Push(t, "app:"+arch, evilreg.Image(t, arch, 10_000))
		if _, err := im.Pull(t.Context(), ref, PullOptions{Platform: "linux/" + arch}, nil); err != nil {
			t.Fatal(err)
		}
		names[arch] = host + "/parts/" + arch + ":v1"
		if err := im.Tag(t.Context(), ref, names[arch]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := im.Push(t.Context(), names["amd64"], PushOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Remove(t.Context(), names["amd64"], RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	list := host + "/app:v1"
	if _, err := im.CreateList(t.Context(), list, []string{names["amd64"], names["arm64"]}, false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := im.CreateList(t.Context(), list, []string{names["arm64"]}, false, false); err == nil {
		t.Error("an existing list was amended without being asked")
	}
	if err := im.Annotate(t.Context(), list, names["arm64"], Annotation{Variant: "v8"}); err != nil {
		t.Fatal(err)
	}
	if err := im.Annotate(t.Context(), list, host+"/none:x", Annotation{OS: "x"}); err == nil {
		t.Error("a stranger was annotated")
	}
	info, err := im.InspectManifest(t.Context(), "", list, false, false)
	if err != nil || len(info) != 1 || !strings.Contains(string(info[0].Raw), `"variant": "v8"`) {
		t.Errorf("InspectManifest = %+v, %v", info, err)
	}
	done, err := im.PushList(t.Context(), list, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := headDigest(t, list); got != done.Digest {
		t.Errorf("the registry has %s, want %s", got, done.Digest)
	}
	if err := im.RemoveList(t.Context(), list); err == nil {
		t.Error("the list is still there after --purge")
	}
	if info, err = im.InspectManifest(t.Context(), "", list, true, false); err != nil || len(info) != 2 {
		t.Errorf("InspectManifest -v = %d manifests, %v", len(info), err)
	}
	for arch := range names {
		if _, err := open(t).Pull(t.Context(), list, PullOptions{Platform: "linux/" + arch}, nil); err != nil {
			t.Errorf("pulling the list for %s: %v", arch, err)
		}
	}
}
