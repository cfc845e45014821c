package layers

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOCILayouts opens a layout where it lies, and one in an archive.
func TestOCILayouts(t *testing.T) {
	dir := samples(t)
	for _, at := range []string{
		"oci:" + filepath.Join(dir, "busybox/amd64"), filepath.Join(dir, "busybox/amd64"),
		"oci-archive:" + filepath.Join(dir, "archives/dive-test-oci-zstd-image.tar"),
		"docker-archive:" + filepath.Join(dir, "archives/docker-two-images.tar.xz") + ":@1",
		filepath.Join(dir, "archives/test_bundle.tar") + ":test_image_1",
	} {
		x, err := Store{}.Open(t.Context(), at)
		if err != nil {
			t.Error(err)
			continue
		}
		if x.Len() == 0 || len(x.Layers()) == 0 {
			t.Errorf("%s: %d paths, %d layers", at, x.Len(), len(x.Layers()))
		}
		_ = x.Close()
	}
	if names, _ := filepath.Glob(filepath.Join(os.TempDir(), ".gantry-archive-*")); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}
