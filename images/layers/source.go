package layers

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/ulikunitz/xz"
	"golang.org/x/sync/errgroup"

	"gantry/images"
	"gantry/internal/termsafe"
	"gantry/store"
	"gantry/store/layer"
)

// scanning is how many layers are read at once.
const scanning = 3

// source is where an image's layers lie.
type source interface {
	// index is the table of contents of a layer.
	index(ctx context.Context, i int) (*layer.Index, error)
	// tar is the uncompressed tar of a layer.
	tar(ctx context.Context, i int) (io.ReadCloser, error)
	// file is the content of a file, nil when it has to be found in the tar.
	file(i int, path string) (io.ReadCloser, error)
	close() error
}

// Open reads an image whose layers are in a store, using their indexes.
func Open(ctx context.Context, name string, s *images.Source, ls *layer.Store) (*Index, error) {
	return open(ctx, name, s, &stored{streamed: streamed{s}, layers: ls, roots: map[int]*os.Root{}})
}

// Stream reads an image whose layers have to be read through. Nothing is kept
// of them but the names.
func Stream(ctx context.Context, name string, s *images.Source) (*Index, error) {
	return open(ctx, name, s, &streamed{s})
}

func open(ctx context.Context, name string, s *images.Source, src source) (_ *Index, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, src.close())
		}
	}()
	ids := s.Config.RootFS.DiffIDs
	if len(ids) > maxLayers {
		return nil, fmt.Errorf("image has %d layers; limit %d: %w", len(ids), maxLayers, store.ErrInvalid)
	}
	x := &Index{name: termsafe.Line(name), raw: map[int32]string{}, homes: map[int32]int32{}, source: src}
	x.instructions(s.Config.History, ids)
	for i, at := range x.stack {
		if i < len(s.Blobs) {
			x.layers[at].Blob, x.layers[at].BlobSize = s.Blobs[i].Digest, s.Blobs[i].Size
		}
	}
	all, err := tables(ctx, src, ids)
	if err != nil {
		return nil, err
	}
	feeds := make([]feed, len(all))
	paths, versions := 0, 0
	for i, index := range all {
		feeds[i] = from(index)
		paths = max(paths, index.Len())
		versions += index.Len()
	}
	if err := x.merge(feeds, paths+paths/8, versions); err != nil {
		return nil, err
	}
	x.account()
	return x, nil
}

// tables reads all tables of contents, a few at once. A layer that occurs
// twice is read once.
func tables(ctx context.Context, src source, ids []digest.Digest) ([]*layer.Index, error) {
	all := make([]*layer.Index, len(ids))
	first := map[digest.Digest]int{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(scanning)
	for i, id := range ids {
		if _, twice := first[id]; twice {
			continue
		}
		first[id] = i
		g.Go(func() error {
			var err error
			if all[i], err = src.index(ctx, i); err != nil {
				return fmt.Errorf("layer %d: %w", i+1, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, id := range ids {
		all[i] = all[first[id]]
	}
	return all, nil
}

// streamed reads layers from their blobs.
type streamed struct{ *images.Source }

func (s *streamed) close() error { return s.Close() }

func (s *streamed) file(int, string) (io.ReadCloser, error) { return nil, nil }

func (s *streamed) tar(ctx context.Context, i int) (io.ReadCloser, error) {
	blob, err := s.Blob(ctx, i)
	if err != nil {
		return nil, err
	}
	plain, err := decompress(blob)
	if err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return &both{plain, blob}, nil
}

// index reads all of a layer, which also proves that it is the right one.
func (s *streamed) index(ctx context.Context, i int) (*layer.Index, error) {
	r, err := s.tar(ctx, i)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	index, id, err := layer.Scan(ctx, r, layer.DefaultLimits)
	if err != nil {
		return nil, err
	}
	if want := s.Config.RootFS.DiffIDs[i]; id != want {
		return nil, fmt.Errorf("its content is %s, the image's config says %s: %w", id, want, store.ErrDamaged)
	}
	return index, nil
}

// both closes two readers of which the first reads the second.
type both struct {
	io.ReadCloser
	under io.Closer
}

func (b *both) Close() error { return errors.Join(b.ReadCloser.Close(), b.under.Close()) }

// stored reads layers a store has unpacked, and their blobs where it has not.
type stored struct {
	streamed
	layers *layer.Store

	mu    sync.Mutex
	roots map[int]*os.Root // by layer; nil: it is not unpacked
}

func (s *stored) index(ctx context.Context, i int) (*layer.Index, error) {
	index, err := s.layers.Index(s.Config.RootFS.DiffIDs[i])
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
		if again, scanErr := s.streamed.index(ctx, i); scanErr == nil {
			return again, nil
		}
	}
	return index, err
}

// root opens the directory of an unpacked layer once.
func (s *stored) root(i int) *os.Root {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, known := s.roots[i]
	if !known {
		if l, err := s.layers.Get(s.Config.RootFS.DiffIDs[i]); err == nil {
			root, _ = os.OpenRoot(l.Dir) // the blob may still have what is lost here
		}
		s.roots[i] = root
	}
	return root
}

func (s *stored) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, root := range s.roots {
		if root != nil {
			_ = root.Close()
		}
	}
	clear(s.roots)
	return s.streamed.close()
}

// file opens a file of an unpacked layer. os.Root keeps to the layer's
// directory whatever links are in it, and what has become no regular file, a
// fifo that would block, is never opened.
func (s *stored) file(i int, path string) (io.ReadCloser, error) {
	root := s.root(i)
	if root == nil {
		return nil, nil
	}
	st, err := root.Lstat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil, nil //nolint:nilerr // then the blob has it
	}
	return root.Open(path)
}

// decompress also knows what archives, but not layers, are compressed with.
func decompress(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	magic, _ := in.Peek(6) // a short file is none of these
	switch {
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		z, err := xz.ReaderConfig{DictCap: 64 << 20}.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("decompressing: %w: %w", err, store.ErrInvalid)
		}
		return io.NopCloser(z), nil
	case bytes.HasPrefix(magic, []byte("BZh")):
		return io.NopCloser(bzip2.NewReader(in)), nil
	}
	return images.Decompress(in)
}
