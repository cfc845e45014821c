package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// shared is what several tests use and no test changes: one registry with the
// images in it.
var shared struct {
	once     sync.Once
	err      error
	dir      string
	registry *registry
	busybox  string // reference
}

func stopShared() {
	if shared.registry != nil {
		shared.registry.stop()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}

// sharedRegistry returns the common registry; it holds busybox, as
// the real multi-arch image where GANTRY_TEST_IMAGES has it.
func sharedRegistry(t *testing.T) *registry {
	t.Helper()
	shared.once.Do(func() {
		shared.dir, shared.err = os.MkdirTemp("", "gantry-registry-")
		if shared.err == nil {
			shared.registry, shared.err = newRegistry(shared.dir)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	if shared.busybox == "" {
		shared.busybox = shared.registry.push(t, "library/busybox:1.38", busybox(t))
	}
	return shared.registry
}

// busyboxRef is a pullable busybox.
func busyboxRef(t *testing.T) string {
	t.Helper()
	sharedRegistry(t)
	return shared.busybox
}

// imagesDir finds the folder of real images, which need not be there.
func imagesDir() string {
	if dir := os.Getenv("GANTRY_TEST_IMAGES"); dir != "" {
		return dir
	}
	wd, _ := os.Getwd()
	for d := wd; d != "/"; d = filepath.Dir(d) {
		dir := filepath.Join(d, "shared", "images")
		if _, err := os.Stat(filepath.Join(dir, "busybox")); err == nil {
			return dir
		}
	}
	return ""
}

// busybox returns docker-library's multi-arch busybox, or an image made from
// the system's static busybox.
func busybox(t *testing.T) any {
	t.Helper()
	if dir := imagesDir(); dir != "" {
		index, err := busyboxIndex(filepath.Join(dir, "busybox"))
		if err != nil {
			t.Fatal(err)
		}
		return index
	}
	bin, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{}
	for _, applet := range strings.Fields("sh cat ls ps echo sleep id true false hostname grep env kill dd yes wget nc ping mknod mount stty seq head tail wc ln mkdir rm touch") {
		links["bin/"+applet] = "busybox"
	}
	image := layered(t, tarOf(t, map[string][]byte{"bin/busybox": bin, "etc/passwd": []byte("root:x:0:0:root:/root:/bin/sh\n"), "etc/group": []byte("root:x:0:\n")}, links))
	return withConfig(t, image, v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/bin"}})
}

func busyboxIndex(dir string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, "application/vnd.oci.image.index.v1+json")
	for _, arch := range []string{"amd64", "arm64"} {
		path, err := layout.FromPath(filepath.Join(dir, arch))
		if err != nil {
			return nil, err
		}
		top, err := path.ImageIndex()
		if err != nil {
			return nil, err
		}
		manifest, err := top.IndexManifest()
		if err != nil {
			return nil, err
		}
		image, err := top.Image(manifest.Manifests[0].Digest)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	return index, nil
}

// debian returns an image of a minimal Debian made by debootstrap. The tar is
// kept in the user's cache folder between runs.
func debian(t *testing.T) v1.Image {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "/var/cache"
	}
	path := filepath.Join(cache, "gantry-tests", "debian-bookworm-minbase.tar")
	if _, err := os.Stat(path); err != nil {
		debootstrap(t, path)
	}
	layer, err := tarball.LayerFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	return withConfig(t, image, v1.Config{Cmd: []string{"bash"}, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}})
}

// debootstrap makes the tar at path through the machine's uplink.
func debootstrap(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, hostNet: true}
	part := path + ".part"
	if out, err := l.hostCommand("debootstrap", "--variant=minbase", "bookworm", part); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, out)
	}
	defer os.RemoveAll(part)
	tmp := path + ".tmp"
	if out, err := exec.Command("tar", "-C", part, "--numeric-owner", "--exclude=./dev/*", "--exclude=./var/cache/apt/archives/*.deb", "-cf", tmp, ".").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

// randomImage has n layers of size bytes that do not compress.
func randomImage(t *testing.T, size int64, n int) v1.Image {
	t.Helper()
	image, err := random.Image(size, int64(n))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func layered(t *testing.T, tars ...[]byte) v1.Image {
	t.Helper()
	image := empty.Image
	for _, data := range tars {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

func withConfig(t *testing.T, image v1.Image, config v1.Config) v1.Image {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", "amd64", config
	image, err = mutate.ConfigFile(image, file)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// tarOf packs files by name (executable) and symbolic links by name.
func tarOf(t *testing.T, files map[string][]byte, links map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	write := func(h *tar.Header, data []byte) {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", h.Name, err))
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin", "etc", "root", "tmp"} {
		write(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}, nil)
	}
	for name, data := range files {
		write(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(data))}, data)
	}
	for name, target := range links {
		write(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, nil)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
