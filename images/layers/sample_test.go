package layers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples returns the folder of sample images, or skips.
func samples(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("GANTRY_TEST_IMAGES"); dir != "" {
		return dir
	}
	for dir, _ := os.Getwd(); dir != "/"; dir = filepath.Dir(dir) {
		if found := filepath.Join(dir, "shared", "images"); exists(found) {
			return found
		}
	}
	t.Skip("no sample images here")
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestDivesFigures(t *testing.T) {
	x, err := Store{}.Open(t.Context(), filepath.Join(samples(t), "archives/dive-test-docker-image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	s := x.Stats()
	if s.Size != 1_220_598 || s.UserSize != 66_237 || s.Dive.WastedBytes != 32_025 || s.Dive.Efficiency != 0.9844212134184309 {
		t.Errorf("size %d, user size %d, wasted %d, efficiency %v", s.Size, s.UserSize, s.Dive.WastedBytes, s.Dive.Efficiency)
	}
	if s.Dive.UserWastedPercent != 0.4834911001404049 {
		t.Errorf("user wasted %v", s.Dive.UserWastedPercent)
	}
}

// TestEverySampleArchive opens what can be opened and says why the rest cannot.
func TestEverySampleArchive(t *testing.T) {
	refused := map[string]string{
		"docker-two-images.tar.xz": "it holds 2 images", "test_bundle.tar": "it holds 2 images", "test_link.tar": "it holds 2 images",
		"no_manifest.tar": "neither manifest.json nor index.json", "null_manifest.tar": "it holds no image",
	}
	files, _ := filepath.Glob(filepath.Join(samples(t), "archives/*"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			x, err := Store{}.Open(t.Context(), file)
			why, bad := refused[filepath.Base(file)]
			if bad {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("error %v, want %q", err, why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			if s := x.Stats(); s.Live+s.Reclaimable != s.Size {
				t.Errorf("stats = %+v", s)
			}
		})
	}
}
