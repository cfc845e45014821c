package layers

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"gantry/images"
	"gantry/store"
	"gantry/store/blob"
	"gantry/store/layer"
)

// TestRegistryWithoutPull looks into an image that is only in a registry.
func TestRegistryWithoutPull(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	src := image(tars(t, content())...)
	src.Config.Architecture, src.Config.OS = "amd64", "linux"
	if want, err := filepath.Glob("/lib/ld-linux-aarch64*"); err == nil && len(want) > 0 {
		src.Config.Architecture = "arm64"
	}
	img, err := tarball.ImageFromPath(archiveFile(t, src), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.TrimPrefix(server.URL, "http://") + "/team/app:1"
	ref, err := name.ParseReference(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Root: root, Run: filepath.Join(root, "run")})
	if err != nil {
		t.Fatal(err)
	}
	ls := layer.Open(s)
	x, err := Store{Images: images.New(s, blob.Open(s), ls, images.RegistryConfig{}), Layers: ls}.Open(t.Context(), "registry://"+at)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	checkContent(t, x)
	for _, kept := range []string{"blobs/sha256", "layers", "tmp"} {
		if names, err := os.ReadDir(filepath.Join(root, kept)); err == nil && len(names) > 0 {
			t.Errorf("%s keeps %v", kept, names)
		}
	}
}
