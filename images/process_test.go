package images

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/images/internal/evilreg"
	"gantry/internal/progress"
)

// TestMain lets the test binary be a second process that pulls.
func TestMain(m *testing.M) {
	if ref := os.Getenv("GANTRY_TEST_PULL"); ref != "" {
		os.Exit(pullProcess(ref))
	}
	os.Exit(m.Run())
}

type remarks struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (r *remarks) Step(s progress.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[s.Detail] = true
}
func (r *remarks) Log(progress.Log) {}

func pullProcess(ref string) int {
	sink := &remarks{seen: map[string]bool{}}
	im, err := openDir(os.Getenv("GANTRY_TEST_DIR"))
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	img, err := im.Pull(context.Background(), ref, PullOptions{Platform: "linux/amd64"}, sink)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(img.ID, img.Damaged, sink.seen["Waiting for another pull"])
	return 0
}

func start(t *testing.T, dir, ref string, out *strings.Builder) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "GANTRY_TEST_PULL="+ref, "GANTRY_TEST_DIR="+dir)
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// slowly serves blobs in pieces, so that a second process meets the first.
func slowly(piece int, pause time.Duration) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, r *http.Request, data []byte) {
		from := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
			w.Header().Set("Content-Length", itoa(int64(len(data)-from)))
			w.WriteHeader(http.StatusPartialContent)
		}
		for at := from; at < len(data); at += piece {
			if _, err := w.Write(data[at:min(at+piece, len(data))]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

func slowRegistry(t *testing.T) (*evilreg.Registry, string, int64) {
	t.Helper()
	reg := evilreg.New(t)
	made := evilreg.Image(t, "amd64", 2<<20)
	hex, data := bytesOf(t, made)
	ref := reg.Push(t, "app", made)
	serve := slowly(100_000, 25*time.Millisecond)
	reg.Misbehave(on(hex, func(w http.ResponseWriter, r *http.Request) { serve(w, r, data) }))
	return reg, ref, int64(len(data))
}

func TestTwoProcesses(t *testing.T) {
	open(t) // needs root
	dir := t.TempDir()
	reg, ref, size := slowRegistry(t)
	var outs [2]strings.Builder
	var cmds [2]*exec.Cmd
	for i := range cmds {
		cmds[i] = start(t, dir, ref, &outs[i])
	}
	waited := 0
	for i, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Errorf("process %d: %v: %s", i, err, outs[i].String())
		}
		if strings.Contains(outs[i].String(), "true") {
			waited++
		}
	}
	if waited != 1 {
		t.Errorf("%d processes said that they wait for another, want 1", waited)
	}
	// The small config may cross twice; layers must not.
	if sent := reg.Sent(); sent > size+5000 {
		t.Errorf("%d bytes sent for a blob of %d", sent, size)
	}
}

func TestTakeOver(t *testing.T) {
	open(t)
	dir := t.TempDir()
	reg, ref, size := slowRegistry(t)
	var a, b strings.Builder
	first := start(t, dir, ref, &a)
	for reg.Sent() < size/4 {
		time.Sleep(time.Millisecond)
	}
	second := start(t, dir, ref, &b)
	for reg.Sent() < size/2 {
		time.Sleep(time.Millisecond)
	}
	_ = first.Process.Kill()
	_ = first.Wait()
	if err := second.Wait(); err != nil {
		t.Fatalf("second: %v: %s", err, b.String())
	}
	if sent := reg.Sent(); sent > size+400_000 {
		t.Errorf("%d bytes sent for a blob of %d", sent, size)
	}
	im := openAt(t, dir)
	if all, err := im.List(t.Context()); err != nil || len(all) != 1 || all[0].Damaged != "" {
		t.Errorf("List = %+v, %v", all, err)
	}
}
