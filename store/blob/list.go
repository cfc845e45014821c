package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"

	"gantry/store"
)

// List returns the digests of all content, of every algorithm we keep.
func (b *Store) List() ([]digest.Digest, error) {
	var out []digest.Digest
	for _, algorithm := range []digest.Algorithm{digest.SHA256, digest.SHA512} {
		names, err := os.ReadDir(b.s.Path("blobs", algorithm.String()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if d := digest.NewDigestFromEncoded(algorithm, name.Name()); d.Validate() == nil {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// Verify reads all of a blob; the error is ErrDamaged when it is not what its
// digest says.
func (b *Store) Verify(ctx context.Context, d digest.Digest) error {
	f, err := b.Open(d)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := d.Algorithm().Digester()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum.Hash()}, bounded(ctx, f, -1), make([]byte, 1<<20)); err != nil {
		return fmt.Errorf("reading blob %s: %w", d, err)
	}
	if got := sum.Digest(); got != d {
		return fmt.Errorf("blob %s is %w: its content has digest %s", d, store.ErrDamaged, got)
	}
	return nil
}
