package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"

	"gantry/internal/sandbox"
)

// lab is a folder, a registry on loopback and the images every peer pulls.
type lab struct {
	dir      string
	bin      string // gantry
	registry *exec.Cmd
	host     string   // of the registry
	small    string   // reference of the image that run and exec use
	images   []string // references to pull
	bundle   string   // ready OCI bundle for bare runtimes
}

func newLab() (*lab, error) {
	dir, err := os.MkdirTemp("", "gantry-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, bin: os.Getenv("GANTRY_BIN")}
	if l.bin == "" {
		l.bin = "bin/gantry"
	}
	if l.bin, err = filepath.Abs(l.bin); err != nil {
		return nil, err
	}
	for _, step := range []func() error{sandbox.Prepare, l.inMemory, l.startRegistry, l.pushImages, l.makeBundle} {
		if err := step(); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) close() {
	if l.registry != nil && l.registry.Process != nil {
		_ = l.registry.Process.Kill()
		_ = l.registry.Wait()
	}
	_ = unix.Unmount(l.dir, unix.MNT_DETACH)
	_ = os.RemoveAll(l.dir)
}

// inMemory puts everything this program writes on a tmpfs, for all peers alike:
// on ext4 an image that was just removed makes the next pull seconds slower,
// whoever pulls.
func (l *lab) inMemory() error { return unix.Mount("bench", l.dir, "tmpfs", 0, "mode=0755") }

func (l *lab) startRegistry() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.host = listener.Addr().String()
	_ = listener.Close()
	config := filepath.Join(l.dir, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %q}\n",
		filepath.Join(l.dir, "registry"), l.host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	l.registry = exec.Command("docker-registry", "serve", config)
	if err := l.registry.Start(); err != nil {
		return fmt.Errorf("docker-registry (apt-get install docker-registry): %w", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		resp, err := http.Get("http://" + l.host + "/v2/")
		if err == nil {
			return resp.Body.Close()
		}
	}
	return errors.New("docker-registry does not answer")
}

// pushImages uploads busybox, a rootfs of many files and one of a few large
// compressible layers, all made here.
func (l *lab) pushImages() error {
	small, err := imageOf(busyboxLayer())
	if err != nil {
		return err
	}
	many, err := imageOf(busyboxLayer(), filesLayer(20000, 2<<10))
	if err != nil {
		return err
	}
	big, err := imageOf(busyboxLayer(), filesLayer(64, 1<<20), filesLayer(64, 1<<20), filesLayer(64, 1<<20), filesLayer(64, 1<<20))
	if err != nil {
		return err
	}
	for repo, image := range map[string]v1.Image{"busybox": small, "many": many, "big": big} {
		ref, err := name.ParseReference(l.host+"/bench/"+repo+":1", name.Insecure)
		if err != nil {
			return err
		}
		if err := remote.Write(ref, image); err != nil {
			return fmt.Errorf("pushing %s: %w", repo, err)
		}
	}
	l.small = l.host + "/bench/busybox:1"
	l.images = []string{l.small, l.host + "/bench/many:1", l.host + "/bench/big:1"}
	return nil
}

func imageOf(layers ...tarball.Opener) (v1.Image, error) {
	image := empty.Image
	for _, open := range layers {
		layer, err := tarball.LayerFromOpener(open)
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, err
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", "amd64"
	file.Config = v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/bin"}}
	return mutate.ConfigFile(image, file)
}
