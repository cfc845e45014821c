// Package archive reads and writes images as files: what docker save, podman
// save and skopeo make. An archive is a tar, compressed or not, that holds a
// docker-archive (manifest.json, or the older repositories), an OCI image
// layout (index.json), or both; an OCI layout may also be a plain directory.
//
// Reading is at random: a compressed or piped archive is first spooled to an
// unnamed temporary file, so that memory stays flat whatever it holds. No name
// in an archive ever reaches the file system. The package knows formats; what
// an image is and where it is kept is its importer's business.
package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"

	"gantry/internal/termsafe"
	"gantry/store"
)

// Limits of what an archive may hold.
const (
	maxDocument = 4 << 20 // bytes in a manifest, index or config
	maxFiles    = 1 << 16
	maxImages   = 1000
	maxLinks    = 8 // one after another
)

// file is a regular file in a tar, or a link to one.
type file struct {
	offset, size int64
	link         string // cleaned; "" for a file
}

// Archive is an archive opened for reading. It is safe for concurrent use.
type Archive struct {
	files  map[string]file // nil for a directory
	tar    io.ReaderAt
	dir    *os.Root
	closer io.Closer
}

// Close lets go of what Open took.
func (a *Archive) Close() error { return a.closer.Close() }

// Open opens a file of the archive by its name there. The error is
// store.ErrNotFound when there is none.
func (a *Archive) Open(name string) (io.ReadCloser, int64, error) {
	clean, err := cleanName(name)
	if err != nil {
		return nil, 0, err
	}
	if a.dir != nil {
		return a.openInDir(clean)
	}
	for range maxLinks {
		f, ok := a.files[clean]
		switch {
		case !ok:
			return nil, 0, fmt.Errorf("the archive is incomplete: %q is missing: %w", termsafe.Line(name), store.ErrNotFound)
		case f.link == "":
			return section{io.NewSectionReader(a.tar, f.offset, f.size)}, f.size, nil
		}
		clean = f.link
	}
	return nil, 0, fmt.Errorf("the archive has links in a circle at %q: %w", termsafe.Line(name), store.ErrInvalid)
}

// section is a file in a tar; it needs no closing.
type section struct{ *io.SectionReader }

func (section) Close() error { return nil }

func (a *Archive) openInDir(name string) (io.ReadCloser, int64, error) {
	f, err := a.dir.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("the layout is incomplete: %q is missing: %w", termsafe.Line(name), store.ErrNotFound)
	}
	if err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%q is no regular file: %w", termsafe.Line(name), store.ErrInvalid)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, fi.Size(), nil
}

// OpenBlob opens content of the OCI layout.
func (a *Archive) OpenBlob(d digest.Digest) (io.ReadCloser, int64, error) {
	if d.Validate() != nil {
		return nil, 0, fmt.Errorf("digest %q: %w", termsafe.Line(d.String()), store.ErrInvalid)
	}
	return a.Open(blobName(d))
}

// ReadBlob reads a document of the OCI layout and verifies it.
func (a *Archive) ReadBlob(d digest.Digest) ([]byte, error) {
	if d.Validate() != nil {
		return nil, fmt.Errorf("digest %q: %w", termsafe.Line(d.String()), store.ErrInvalid)
	}
	raw, err := a.read(blobName(d))
	if err != nil {
		return nil, err
	}
	if got := d.Algorithm().FromBytes(raw); got != d {
		return nil, fmt.Errorf("the archive is damaged: %s has the content of %s: %w", d, got, store.ErrInvalid)
	}
	return raw, nil
}

func blobName(d digest.Digest) string {
	return "blobs/" + d.Algorithm().String() + "/" + d.Encoded()
}

// read reads a small file.
func (a *Archive) read(name string) ([]byte, error) {
	r, size, err := a.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > maxDocument {
		return nil, fmt.Errorf("%q in the archive has %d bytes; limit %d: %w", termsafe.Line(name), size, maxDocument, store.ErrInvalid)
	}
	return io.ReadAll(io.LimitReader(r, maxDocument))
}

// has reports whether a file is there.
func (a *Archive) has(name string) bool {
	r, _, err := a.Open(name)
	if err != nil {
		return false
	}
	_ = r.Close()
	return true
}

// cleanName makes one spelling of a name in an archive. A name that leads out
// of it is refused.
func cleanName(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || strings.HasPrefix(clean, "/") || clean == ".." || strings.HasPrefix(clean, "../") ||
		strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("the archive names a file outside of it: %q: %w", termsafe.Line(name), store.ErrInvalid)
	}
	return clean, nil
}
