package containers

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gantry/store/layer"
	"gantry/store/overlay"
)

// upper is what a container changed of its image.
func (m *Manager) upper(id string) string { return filepath.Join(m.Dir(id), "upper") }

// Export writes what a container sees, over lowers, top first, as a tar. It may
// run or not. What is mounted into it is not part of that: where a volume is,
// the tar has the directory below.
func (m *Manager) Export(ctx context.Context, id string, lowers []string, w io.Writer) error {
	view, err := overlay.View(append([]string{m.upper(id)}, lowers...))
	if err != nil {
		return err
	}
	dir := "/proc/self/fd/" + strconv.Itoa(int(view.Fd())) + "/."
	return errors.Join(layer.Tar(ctx, dir, w), view.Close())
}

// Changes streams the layer that a container's changes make. The caller closes
// it.
func (m *Manager) Changes(ctx context.Context, id string, lowers []string) io.ReadCloser {
	upper := m.upper(id)
	r, w := io.Pipe()
	go func() { // ends when r is closed
		w.CloseWithError(layer.TarWithout(ctx, upper, w, mountPoints(upper, lowers)))
	}()
	return r
}

// engineFiles are what the engine mounts into every container. What lies below
// such a mount is only the place for it.
var engineFiles = []string{"dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf"}

// mountPoints tells those places, and the directory that was made for them.
func mountPoints(upper string, lowers []string) func(string) bool {
	skip := slices.Clone(engineFiles)
	inEtc, err := os.ReadDir(filepath.Join(upper, "etc"))
	ours := !slices.ContainsFunc(inEtc, func(d os.DirEntry) bool { return !slices.Contains(skip, "etc/"+d.Name()) })
	below := slices.ContainsFunc(lowers, func(dir string) bool {
		_, err := os.Lstat(filepath.Join(dir, "etc"))
		return err == nil
	})
	if err == nil && len(inEtc) > 0 && ours && !below {
		skip = append(skip, "etc")
	}
	return func(path string) bool { return slices.Contains(skip, path) }
}

// Size is how many bytes a container's changes and its log take, each file
// once.
func (m *Manager) Size(ctx context.Context, id string) (changes, log int64, err error) {
	if changes, err = layer.DiskUsage(ctx, m.upper(id)); err != nil {
		return 0, 0, err
	}
	log, err = layer.DiskUsage(ctx, m.LogDir(id))
	return changes, log, err
}
