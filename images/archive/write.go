package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/reference"
)

// Saved is an image to describe in an archive. Its content is written with
// Blob, before or after.
type Saved struct {
	Names  []reference.Ref // with a tag; none: the image is saved without a name
	Target v1.Descriptor   // the manifest or index its names lead to
	Config digest.Digest
	Layers []digest.Digest // blobs, lowest first
}

// Writer writes images as an OCI layout that is a docker-archive as well. The
// same images always give the same bytes.
type Writer struct {
	out     output
	written map[digest.Digest]bool
	index   v1.Index
	docker  []dockerImage
}

// output is where files go: a tar or a directory.
type output interface {
	small(name string, data []byte) error
	blob(ctx context.Context, name string, f *os.File, size int64) error
	end() error
}

// NewTar returns a Writer that writes a tar to w.
func NewTar(w io.Writer) *Writer { return newWriter(&tarOutput{w: w}) }

// NewDir returns a Writer that fills an empty directory.
func NewDir(path string) *Writer { return newWriter(dirOutput(path)) }

func newWriter(out output) *Writer {
	w := &Writer{out: out, written: map[digest.Digest]bool{}}
	w.index.Versioned = specs.Versioned{SchemaVersion: 2}
	w.index.MediaType = v1.MediaTypeImageIndex
	w.index.Manifests = []v1.Descriptor{}
	return w
}

// Blob writes content, from the start of f, unless it is there already.
func (w *Writer) Blob(ctx context.Context, d digest.Digest, f *os.File) error {
	if w.written[d] {
		return nil
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	w.written[d] = true
	return w.out.blob(ctx, blobName(d), f, fi.Size())
}

// Image adds an image to the lists at the end.
func (w *Writer) Image(s Saved) {
	entry := dockerImage{Config: blobName(s.Config), Layers: []string{}}
	for _, l := range s.Layers {
		entry.Layers = append(entry.Layers, blobName(l))
	}
	d := s.Target
	d.Annotations = nil
	if len(s.Names) == 0 {
		w.index.Manifests = append(w.index.Manifests, d)
	}
	for _, ref := range s.Names {
		named := d
		named.Annotations = map[string]string{NameAnnotation: ref.Full(), v1.AnnotationRefName: ref.Full()}
		w.index.Manifests = append(w.index.Manifests, named)
		entry.RepoTags = append(entry.RepoTags, ref.Familiar())
	}
	w.docker = append(w.docker, entry)
}

// Close writes the lists that make the files an archive. Without it there is
// none.
func (w *Writer) Close() error {
	for _, f := range []struct {
		name string
		v    any
	}{
		{dockerFile, w.docker},
		{layoutFile, v1.ImageLayout{Version: v1.ImageLayoutVersion}},
		{indexFile, w.index},
	} {
		if _, dir := w.out.(dirOutput); dir && f.name == dockerFile {
			continue // no docker-archive is a directory
		}
		raw, err := json.Marshal(f.v)
		if err != nil {
			return err
		}
		if err := w.out.small(f.name, raw); err != nil {
			return err
		}
	}
	return w.out.end()
}

// tarOutput writes headers itself, so that content goes from file to file
// without passing through this process where the kernel can do that.
type tarOutput struct {
	w    io.Writer
	dirs bool
}

// epoch stamps all files: no two archives of one image differ.
var epoch = time.Unix(0, 0)

func (t *tarOutput) header(h *tar.Header) error {
	h.ModTime = epoch
	var buf bytes.Buffer
	if err := tar.NewWriter(&buf).WriteHeader(h); err != nil {
		return err
	}
	_, err := t.w.Write(buf.Bytes())
	return err
}

func (t *tarOutput) file(name string, size int64, copyTo func(io.Writer) (int64, error)) error {
	if !t.dirs {
		t.dirs = true
		for _, dir := range []string{"blobs/", "blobs/" + digest.SHA256.String() + "/"} {
			if err := t.header(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
				return err
			}
		}
	}
	if err := t.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	n, err := copyTo(t.w)
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes of %d: %w", name, n, size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return err
	}
	_, err = t.w.Write(make([]byte, -size&511))
	return err
}

func (t *tarOutput) small(name string, data []byte) error {
	return t.file(name, int64(len(data)), func(w io.Writer) (int64, error) {
		n, err := w.Write(data)
		return int64(n), err
	})
}

func (t *tarOutput) blob(ctx context.Context, name string, f *os.File, size int64) error {
	return t.file(name, size, func(w io.Writer) (int64, error) { return copyFile(ctx, w, f, size) })
}

func (t *tarOutput) end() error {
	_, err := t.w.Write(make([]byte, 1024))
	return err
}

// stepBytes is how much is copied between two looks at the context.
const stepBytes = 16 << 20

// copyFile copies f to w; between files the kernel does it.
func copyFile(ctx context.Context, w io.Writer, f *os.File, size int64) (int64, error) {
	var done int64
	for done < size {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		n, err := io.CopyN(w, f, min(stepBytes, size-done))
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// dirOutput is a directory.
type dirOutput string

func (d dirOutput) small(name string, data []byte) error {
	return os.WriteFile(filepath.Join(string(d), name), data, 0o644)
}

func (d dirOutput) blob(ctx context.Context, name string, f *os.File, size int64) error {
	path := filepath.Join(string(d), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	n, err := copyFile(ctx, to, f, size)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (d dirOutput) end() error { return nil }
