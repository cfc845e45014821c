// Package blob keeps content by its digest, and names for some of it, as an OCI
// image layout that other tools can read in place: oci-layout, index.json and
// blobs/<algorithm>/<hex>. Content becomes visible only when its digest has
// been verified. The package does not know what a blob means.
package blob

import (
	"bytes"
	"context"
	_ "crypto/sha256" // the digests a blob may have
	_ "crypto/sha512"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/internal/atomicfile"
	"gantry/store"
)

// blobMode: content never changes once it is in place.
const blobMode fs.FileMode = 0o400

// Store is the blobs and names of a store.
type Store struct{ s *store.Store }

// Open returns the blobs of s. It touches nothing on disk.
func Open(s *store.Store) *Store { return &Store{s} }

// Path returns where the blob d lies, whether or not it is there. The error is
// ErrInvalid for what is no digest of a kind we keep.
func (b *Store) Path(d digest.Digest) (string, error) {
	if err := check(d); err != nil {
		return "", err
	}
	return b.s.Path("blobs", d.Algorithm().String(), d.Encoded()), nil
}

func check(d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("digest %.100q: %w: %w", string(d), err, store.ErrInvalid)
	}
	if a := d.Algorithm(); a != digest.SHA256 && a != digest.SHA512 {
		return fmt.Errorf("digest %s: algorithm is neither sha256 nor sha512: %w", d, store.ErrInvalid)
	}
	return nil
}

// Has reports whether the blob d is there.
func (b *Store) Has(d digest.Digest) bool {
	_, err := b.Size(d)
	return err == nil
}

// Size returns how many bytes the blob d has; the error is ErrNotFound when it
// is not there.
func (b *Store) Size(d digest.Digest) (int64, error) {
	path, err := b.Path(d)
	if err != nil {
		return 0, err
	}
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, notFound(d)
	}
	if err != nil {
		return 0, err
	}
	if !fi.Mode().IsRegular() {
		return 0, fmt.Errorf("blob %s is no regular file: %w", d, store.ErrDamaged)
	}
	return fi.Size(), nil
}

// Open opens the blob d for reading. Its content is not verified again.
func (b *Store) Open(d digest.Digest) (*os.File, error) {
	path, err := b.Path(d)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(d)
	}
	return f, err
}

// ReadSmall reads a blob of at most limit bytes, such as a manifest, and
// verifies it: the error is ErrDamaged when it is not what d says.
func (b *Store) ReadSmall(d digest.Digest, limit int64) ([]byte, error) {
	f, err := b.Open(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	if fi, err := f.Stat(); err == nil && fi.Size() <= limit {
		data.Grow(int(fi.Size()) + bytes.MinRead)
	}
	n, err := data.ReadFrom(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", d, err)
	}
	if n > limit {
		return nil, fmt.Errorf("blob %s is larger than %d bytes: %w", d, limit, store.ErrInvalid)
	}
	if got := d.Algorithm().FromBytes(data.Bytes()); got != d {
		return nil, fmt.Errorf("blob %s is %w: its content has digest %s", d, store.ErrDamaged, got)
	}
	return data.Bytes(), nil
}

// Put stores r under want.Digest and returns the size. want.Size is the exact
// size, or -1 when that is unknown. It is idempotent: nil means the content is
// present, not that this call wrote it. The content is verified before it
// becomes visible, and survives a power cut; on mismatch nothing is left behind
// and the error is ErrInvalid. Put is for small blobs: see Partial.
func (b *Store) Put(ctx context.Context, want v1.Descriptor, r io.Reader) (int64, error) {
	if err := b.writable(want.Digest); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(b.s.Tmp(), "blob-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // fails once it is renamed, as it should
	defer f.Close()
	v := want.Digest.Algorithm().Digester()
	n, err := io.Copy(io.MultiWriter(f, v.Hash()), bounded(ctx, r, want.Size))
	if err != nil {
		return 0, fmt.Errorf("storing blob %s: %w", want.Digest, err)
	}
	if err := verify(want.Digest, want.Size, v.Digest(), n); err != nil {
		return 0, err
	}
	if old, err := b.ReadSmall(want.Digest, n); err == nil && int64(len(old)) == n {
		return n, nil
	}
	if err := errors.Join(f.Chmod(blobMode), f.Sync()); err != nil {
		return 0, err
	}
	return n, b.place(f.Name(), want.Digest, atomicfile.PowerCut)
}

// Remove takes the blob d away. Removing what is gone is no error.
func (b *Store) Remove(d digest.Digest) error {
	if err := b.writable(d); err != nil {
		return err
	}
	path, err := b.Path(d)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (b *Store) writable(d digest.Digest) error {
	if err := check(d); err != nil {
		return err
	}
	return b.s.Writable()
}

// place renames verified content into position.
func (b *Store) place(from string, d digest.Digest, durability atomicfile.Durability) error {
	path, err := b.Path(d)
	if err != nil {
		return err
	}
	if err := b.layout(); err != nil {
		return err
	}
	err = os.Rename(from, path)
	if errors.Is(err, fs.ErrNotExist) { // the first blob of its algorithm
		if err := store.Mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Rename(from, path)
	}
	if err != nil || durability == atomicfile.Crash {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

// verify compares what came with what was wanted.
func verify(want digest.Digest, wantSize int64, got digest.Digest, size int64) error {
	if wantSize >= 0 && size != wantSize {
		return fmt.Errorf("blob %s has %d bytes instead of %d: %w", want, size, wantSize, store.ErrInvalid)
	}
	if got != want {
		return fmt.Errorf("blob %s: the content has digest %s: %w", want, got, store.ErrInvalid)
	}
	return nil
}

// bounded reads at most one byte more than size, if size is known, and stops
// with ctx.
func bounded(ctx context.Context, r io.Reader, size int64) io.Reader {
	if size >= 0 {
		r = io.LimitReader(r, size+1)
	}
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func notFound(d digest.Digest) error { return fmt.Errorf("blob %s: %w", d, store.ErrNotFound) }
