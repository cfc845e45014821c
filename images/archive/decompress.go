package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"gantry/store"
)

// compression is how a file is packed, as its first bytes say.
type compression string

const (
	plain       compression = ""
	gzipped     compression = "gzip"
	bzipped     compression = "bzip2"
	xzed        compression = "xz"
	zstandarded compression = "zstd"
)

func compressionOf(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzipped
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return xzed
	case isZstd(head):
		return zstandarded
	}
	return plain
}

// isZstd knows frames and the skippable frames some writers put first.
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

// maxWindow bounds the memory a zstd stream may ask for: --long=26.
const maxWindow = 64 << 20

// Decompress returns what is in r, whatever it is compressed with. What counts
// is what the bytes say; file names and media types are wrong too often. Errors
// of r are returned as they are; what the data itself caused is
// store.ErrInvalid.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	src := &source{r: r}
	in := bufio.NewReaderSize(src, 128<<10)
	head, err := in.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	kind := compressionOf(head)
	var z io.Reader
	done := func() {}
	switch kind {
	case gzipped:
		z, err = gzip.NewReader(in)
	case bzipped:
		z, err = bzip2.NewReader(in), nil
	case xzed:
		z, err = xz.ReaderConfig{DictCap: 1 << 20}.NewReader(in)
	case zstandarded:
		var d *zstd.Decoder
		d, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err == nil {
			z, done = d, d.Close
		}
	default:
		return io.NopCloser(in), nil
	}
	d := &decompressor{z, src, kind, done}
	if err != nil {
		return nil, d.blame(err)
	}
	return d, nil
}

// source remembers why it ended.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.err = err
	return n, err
}

type decompressor struct {
	r    io.Reader
	src  *source
	kind compression
	done func()
}

func (d *decompressor) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		err = d.blame(err)
	}
	return n, err
}

// blame finds out whether the data is wrong or could not be read.
func (d *decompressor) blame(err error) error {
	if d.src.err != nil && d.src.err != io.EOF {
		return d.src.err
	}
	return &compressionError{d.kind, err}
}

func (d *decompressor) Close() error {
	d.done()
	return nil
}

// compressionError is an error that the compressed bytes caused.
type compressionError struct {
	kind compression
	err  error
}

func (e *compressionError) Error() string   { return fmt.Sprintf("decompressing %s: %s", e.kind, e.err) }
func (e *compressionError) Unwrap() []error { return []error{e.err, store.ErrInvalid} }
