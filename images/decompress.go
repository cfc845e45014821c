package images

import (
	"io"

	"gantry/images/archive"
)

// decompress returns the tar in r, whatever it is compressed with. What the
// compressed bytes themselves caused is store.ErrInvalid.
func decompress(r io.Reader) (io.ReadCloser, error) { return archive.Decompress(r) }
