package engine

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images"
	"gantry/internal/applets"
)

// Toolbox is the image that is always here: a shell and core utilities, made
// on first use from this very binary.
const Toolbox = "gantry/toolbox"

// isToolbox reports whether ref names the embedded image.
func isToolbox(ref string) bool {
	switch ref {
	case Toolbox, Toolbox + ":latest", "docker.io/" + Toolbox, "docker.io/" + Toolbox + ":latest":
		return true
	}
	return false
}

// toolbox returns the embedded image, making it when it is not here.
func (e *Engine) toolbox(ctx context.Context) (Image, error) {
	img, err := e.images.Resolve(ctx, Toolbox)
	if err == nil && img.Damaged == "" {
		return img, nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Image{}, err
	}
	created := time.Now().UTC()
	cfg := v1.Image{Created: &created, Author: "gantry " + Version()}
	cfg.OS, cfg.Architecture = "linux", runtime.GOARCH
	cfg.Config = v1.ImageConfig{
		Cmd: []string{"/bin/sh"},
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}
	cfg.History = []v1.History{{Created: &created, CreatedBy: "gantry toolbox: shell and core utilities from the binary itself", Author: cfg.Author}}
	return e.images.Add(ctx, Toolbox, cfg, []images.LayerSource{{Open: openToolbox}})
}

// openToolbox streams the image's layer, made as it is read.
func openToolbox() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(applets.Layer(w, "/proc/self/exe")) }() // ends when r is closed
	return r, nil
}
