package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gantry/images"
	"gantry/internal/termsafe"
	"gantry/store"
	"gantry/store/layer"
)

// Store is what images of the store, or of registries, are opened with.
type Store struct {
	Images *images.Images
	Layers *layer.Store
}

// Schemes in front of what is not the name of an image in the store.
const (
	schemeOCI      = "oci:"
	schemeDocker   = "docker-archive:"
	schemeArchive  = "oci-archive:"
	schemeRegistry = "registry://"
)

// Open opens an image for inspection: a name or ID in the store, oci:DIR,
// docker-archive:FILE or oci-archive:FILE, each with :NAME or :@NUMBER behind
// it where there are several images, registry://REF, or the path of such a
// directory or file. A name in the store comes before a path.
func (s Store) Open(ctx context.Context, at string) (*Index, error) {
	x, err := s.open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", termsafe.Line(at), err)
	}
	return x, nil
}

func (s Store) open(ctx context.Context, at string) (*Index, error) {
	for _, scheme := range []string{schemeOCI, schemeDocker, schemeArchive} {
		if rest, ok := strings.CutPrefix(at, scheme); ok {
			return openPath(ctx, at, rest, scheme)
		}
	}
	if ref, ok := strings.CutPrefix(at, schemeRegistry); ok {
		src, err := s.Images.Remote(ctx, ref, images.PullOptions{})
		if err != nil {
			return nil, err
		}
		return Stream(ctx, at, src)
	}
	if looksLikePath(at) {
		return openPath(ctx, at, at, "")
	}
	src, err := s.Images.Here(ctx, at)
	if err == nil {
		return Open(ctx, at, src, s.Layers)
	}
	if _, statErr := os.Stat(at); statErr == nil && (errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrInvalid)) {
		return openPath(ctx, at, at, "")
	}
	return nil, err
}

func looksLikePath(s string) bool {
	return filepath.IsAbs(s) || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || s == "." || s == ".."
}

// openPath opens a directory or an archive. Without a scheme it is looked into.
func openPath(ctx context.Context, name, at, scheme string) (*Index, error) {
	file, want := split(at)
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	var b bundle
	if st.IsDir() {
		b, err = openFolder(file)
	} else {
		b, err = openArchive(ctx, file)
	}
	if err != nil {
		return nil, err
	}
	src, err := read(ctx, b, want, scheme)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return Stream(ctx, name, src)
}

// read tries the formats there are. Archives that are both, as Docker makes
// them, are read as the one that names images in Docker's way.
func read(ctx context.Context, b bundle, want, scheme string) (*images.Source, error) {
	_, isFolder := b.(*folder)
	var src *images.Source
	err := fs.ErrNotExist
	if scheme != schemeOCI && scheme != schemeArchive && !isFolder {
		src, err = fromDocker(b, want)
	}
	if scheme != schemeDocker && errors.Is(err, fs.ErrNotExist) && !errors.Is(err, store.ErrInvalid) {
		src, err = fromOCI(ctx, b, want)
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, store.ErrInvalid) {
		return nil, fmt.Errorf("neither manifest.json nor index.json is in it: %w", store.ErrInvalid)
	}
	return src, err
}

// split cuts :NAME off an existing path.
func split(at string) (file, name string) {
	if _, err := os.Lstat(at); err == nil {
		return at, ""
	}
	for i := range len(at) {
		if at[i] != ':' || i == 0 {
			continue
		}
		if _, err := os.Lstat(at[:i]); err == nil {
			return at[:i], at[i+1:]
		}
	}
	return at, ""
}
