package images

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// listed reads what a saved archive holds.
func savedFiles(t *testing.T, im *Images, refs ...string) map[string][]byte {
	t.Helper()
	var b bytes.Buffer
	if err := im.Save(t.Context(), refs, SaveOptions{To: &b}); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[h.Name]; twice {
			t.Errorf("%s is in the archive twice", h.Name)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, files map[string][]byte) (oci, docker []string, images int) {
	t.Helper()
	var ix v1.Index
	var list []struct{ RepoTags []string }
	if err := json.Unmarshal(files["index.json"], &ix); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(files["manifest.json"], &list); err != nil {
		t.Fatal(err)
	}
	for _, m := range ix.Manifests {
		if name := m.Annotations["io.containerd.image.name"]; name != "" {
			oci = append(oci, name)
		}
	}
	for _, i := range list {
		docker = append(docker, i.RepoTags...)
	}
	slices.Sort(oci)
	slices.Sort(docker)
	return oci, docker, len(list)
}

func TestSaveNames(t *testing.T) {
	im, img := loadedSample(t, "docker-two-names.tar.xz")
	for _, dst := range []string{"multi:one", "multi:two"} {
		if err := im.Tag(t.Context(), "pretty-empty", dst); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		refs   []string
		want   []string
		images int
	}{
		"one name":            {[]string{"pretty-empty:latest"}, []string{"pretty-empty:latest"}, 1},
		"every name given":    {[]string{"multi:one", "multi:two"}, []string{"multi:one", "multi:two"}, 1},
		"a repository":        {[]string{"multi"}, []string{"multi:one", "multi:two"}, 1},
		"the same name twice": {[]string{"multi:one", "multi:one"}, []string{"multi:one"}, 1},
		"an ID has no name":   {[]string{img.ID.String()}, nil, 1},
		"a short ID":          {[]string{img.ID.Encoded()[:12]}, nil, 1},
		"an ID and a name":    {[]string{img.ID.Encoded()[:12], "multi:one"}, []string{"multi:one"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			oci, docker, images := names(t, savedFiles(t, im, c.refs...))
			var full []string
			for _, n := range c.want {
				full = append(full, "docker.io/library/"+n)
			}
			if !slices.Equal(docker, c.want) || !slices.Equal(oci, full) || images != c.images {
				t.Errorf("docker %q, oci %q, %d images", docker, oci, images)
			}
		})
	}
	if err := im.Save(t.Context(), []string{"multi", "nope"}, SaveOptions{To: io.Discard}); err == nil {
		t.Error("an image that is not there was saved")
	}
}

// TestSaveShares: layers that images share are in the archive once.
func TestSaveShares(t *testing.T) {
	im, _ := loadedSample(t, "test_link.tar")
	files := savedFiles(t, im, "bazel/v1/tarball:test_image_1", "bazel/v1/tarball:test_image_3")
	blobs := 0
	for name := range files {
		if strings.HasPrefix(name, "blobs/sha256/") && name != "blobs/sha256/" {
			blobs++
		}
	}
	if blobs != 6 {
		t.Errorf("%d blobs, want two manifests, two configs, a shared layer and another", blobs)
	}
	again := savedFiles(t, im, "bazel/v1/tarball:test_image_1", "bazel/v1/tarball:test_image_3")
	for name, data := range files {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s differs the second time", name)
		}
	}
}

// TestSaveWhole: an output that cannot be finished does not appear.
func TestSaveWhole(t *testing.T) {
	im, img := loadedSample(t, "test_image_1.tar")
	s := im.seen.get(img.Manifest.Digest)
	if err := im.blobs.Remove(s.blobs[0].Digest); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	old := filepath.Join(dir, "old.tar")
	if err := os.WriteFile(old, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []SaveOptions{{Path: old}, {Path: filepath.Join(dir, "new.tar")}, {Dir: filepath.Join(dir, "layout")}} {
		if err := im.Save(t.Context(), img.Names, o); err == nil {
			t.Error("an image without its layer was saved")
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	if data, err := os.ReadFile(old); err != nil || string(data) != "before" {
		t.Errorf("the old file holds %q, %v", data, err)
	}
}

// TestLoadMovesName: a name that leads elsewhere moves; what had it stays.
func TestLoadMovesName(t *testing.T) {
	im, first := loadedSample(t, "docker-name-only.tar.xz")
	if err := im.Tag(t.Context(), "pretty-empty", "bazel/v1/tarball:test_image_1"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(samples(t), "archives", "test_image_1.tar")
	for range 2 { // again changes nothing
		if _, err := im.Load(t.Context(), LoadOptions{Path: path}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := resolved(t, im, "bazel/v1/tarball:test_image_1"); got.ID == first.ID {
		t.Error("the name did not move")
	}
	if all, err := im.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("List = %+v, %v", all, err)
	}
}
