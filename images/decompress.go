package images

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gantry/store"
)

// maxWindow bounds the memory a zstd stream may ask for: --long=26.
const maxWindow = 64 << 20

// decompress returns the tar in r, whatever it is compressed with. What counts
// is what the bytes say; media types are wrong too often.
func decompress(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, chunkSize)
	magic, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, broken(err)
		}
		return &decompressor{z, func() { _ = z.Close() }}, nil
	case isZstd(magic):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, broken(err)
		}
		return &decompressor{z, z.Close}, nil
	}
	return io.NopCloser(in), nil
}

// isZstd knows frames and the skippable frames some writers put first.
func isZstd(magic []byte) bool {
	return bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18})
}

type decompressor struct {
	r     io.Reader
	close func()
}

func (d *decompressor) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		err = broken(err)
	}
	return n, err
}

func (d *decompressor) Close() error {
	d.close()
	return nil
}

// broken marks errors that the compressed bytes themselves may have caused.
func broken(err error) error {
	if errors.Is(err, errTransfer) {
		return err
	}
	return fmt.Errorf("decompressing: %w: %w", err, store.ErrInvalid)
}
