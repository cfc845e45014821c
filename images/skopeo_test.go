package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSavedForPeers has skopeo read what was saved, both ways: it verifies every
// digest.
func TestSavedForPeers(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed")
	}
	dir := filepath.Join(samples(t), "archives")
	im := open(t)
	for _, name := range []string{"dive-test-kaniko-image.tar", "docker-two-images.tar.xz", "test_bundle.tar"} {
		if _, err := im.Load(t.Context(), LoadOptions{Path: filepath.Join(dir, name)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	tmp := t.TempDir()
	file := filepath.Join(tmp, "all.tar")
	refs := []string{"dive-test:kaniko-latest", "example.com/empty", "example.com/empty/but:different", "test_image_1"}
	if err := im.Save(t.Context(), refs, SaveOptions{Path: file}); err != nil {
		t.Fatal(err)
	}
	if err := im.Save(t.Context(), refs, SaveOptions{Dir: filepath.Join(tmp, "layout")}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{
		"docker-archive:" + file + ":dive-test:kaniko-latest",
		"docker-archive:" + file + ":example.com/empty:latest",
		"oci-archive:" + file + ":docker.io/library/dive-test:kaniko-latest",
		"oci:" + filepath.Join(tmp, "layout") + ":docker.io/library/test_image_1:latest",
	} {
		cmd := exec.Command(skopeo, "copy", "--insecure-policy", "--preserve-digests", from, "dir:"+t.TempDir())
		if strings.HasPrefix(from, "docker-archive") { // has no digests to preserve
			cmd = exec.Command(skopeo, "copy", "--insecure-policy", from, "dir:"+t.TempDir())
		}
		cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", from, err, out)
		}
	}
}
