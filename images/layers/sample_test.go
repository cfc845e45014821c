package layers

import (
	"os"
	"path/filepath"
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

func TestEverySampleArchive(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(samples(t), "archives/*"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			x, err := Store{}.Open(t.Context(), file)
			if err != nil {
				t.Log(err)
				return
			}
			defer x.Close()
			t.Log(x.Len(), len(x.Layers()), x.Stats())
		})
	}
}
