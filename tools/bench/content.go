package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// applets are the names the images know busybox by.
var applets = []string{"sh", "true", "sleep", "cat", "echo", "ls"}

// busyboxLayer packs the system's static busybox.
func busyboxLayer() tarball.Opener {
	return tarOpener(func(w *tar.Writer) error {
		bin, err := os.ReadFile("/bin/busybox")
		if err != nil {
			return fmt.Errorf("apt-get install busybox-static: %w", err)
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755}); err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755, Size: int64(len(bin))}); err != nil {
			return err
		}
		if _, err := w.Write(bin); err != nil {
			return err
		}
		for _, name := range applets {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}); err != nil {
				return err
			}
		}
		return nil
	})
}

var layerSeed uint64

// filesLayer packs n files of size bytes that compress about as text does.
func filesLayer(n, size int) tarball.Opener {
	layerSeed++
	seed := layerSeed
	return tarOpener(func(w *tar.Writer) error {
		rnd := rand.New(rand.NewPCG(seed, 7))
		buf := make([]byte, size)
		root := fmt.Sprintf("data%d", seed)
		for i := range n {
			if i%200 == 0 {
				if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprintf("%s/%d/", root, i/200), Mode: 0o755}); err != nil {
					return err
				}
			}
			for j := range buf {
				buf[j] = "abcdefghijklmnopqrstuvwxyz      \n"[rnd.IntN(33)]
			}
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("%s/%d/%d", root, i/200, i), Mode: 0o644, Size: int64(size)}); err != nil {
				return err
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

func tarOpener(fill func(*tar.Writer) error) tarball.Opener {
	var data []byte
	return func() (io.ReadCloser, error) {
		if data == nil {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			if err := fill(w); err != nil {
				return nil, err
			}
			if err := w.Close(); err != nil {
				return nil, err
			}
			data = b.Bytes()
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
}

// makeBundle prepares an OCI bundle that runs true, for bare runtimes.
func (l *lab) makeBundle() error {
	l.bundle = filepath.Join(l.dir, "bundle")
	bin := filepath.Join(l.bundle, "rootfs", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bin, "busybox"), data, 0o755); err != nil {
		return err
	}
	for _, name := range applets {
		if err := os.Symlink("busybox", filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return nil // no bare runtime will be measured
	}
	cmd := exec.Command(runc, "spec")
	cmd.Dir = l.bundle
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("runc spec: %w: %s", err, out)
	}
	return l.adaptBundle(filepath.Join(l.bundle, "config.json"))
}

// adaptBundle makes the specification run true without a terminal and without
// raising limits, which not every machine allows.
func (l *lab) adaptBundle(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(data, &spec); err != nil {
		return err
	}
	process := spec["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = []string{"true"}
	process["env"] = []string{"PATH=/bin"}
	delete(process, "rlimits")
	if data, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
