package overlay

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"gantry/internal/testenv"
)

func TestView(t *testing.T) {
	testenv.NeedsRoot(t)
	lowers := stack(t, t.TempDir(), 3)
	before, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*os.File, error){
		"detached": func() (*os.File, error) { return View(lowers) },
		"aside": func() (*os.File, error) {
			fd, err := layers{lowers: lowers}.aside()
			return os.NewFile(uintptr(fd), "view"), err
		},
		"single": func() (*os.File, error) { return View(lowers[:1]) },
	} {
		t.Run(name, func(t *testing.T) {
			view, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer view.Close()
			dir := "/proc/self/fd/" + strconv.Itoa(int(view.Fd())) + "/"
			if got, err := os.ReadFile(dir + "all"); err != nil || string(got) != "2" {
				t.Errorf("all = %q, %v, want the topmost", got, err)
			}
			_, err = os.ReadFile(dir + "only0")
			if (err == nil) != (name != "single") {
				t.Errorf("only0: %v", err)
			}
			after, err := os.ReadFile("/proc/self/mountinfo")
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("mounts changed: %v", err)
			}
		})
	}
}
