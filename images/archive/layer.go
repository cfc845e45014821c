package archive

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/store"
)

// Layer is a layer's blob in an archive.
type Layer struct {
	Desc v1.Descriptor
	open func() (io.ReadCloser, error)
}

// Open returns the blob from an offset on.
func (l Layer) Open(offset int64) (io.ReadCloser, error) {
	r, err := l.open()
	if err != nil {
		return nil, err
	}
	if s, ok := r.(io.Seeker); ok {
		_, err = s.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, r, offset)
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// BlobLayer is a layer of the OCI layout.
func (a *Archive) BlobLayer(d v1.Descriptor) (Layer, error) {
	r, size, err := a.OpenBlob(d.Digest)
	if err != nil {
		return Layer{}, err
	}
	_ = r.Close()
	if size != d.Size {
		return Layer{}, refuse("the archive is damaged: layer %s has %d bytes of %d", d.Digest, size, d.Size)
	}
	return Layer{d, func() (io.ReadCloser, error) {
		r, _, err := a.OpenBlob(d.Digest)
		return r, err
	}}, nil
}

// FileLayer is a layer of a docker-archive, which says nothing about it but its
// diff-id. It stays as it is if its compression has a media type, and becomes
// plain otherwise.
func (a *Archive) FileLayer(ctx context.Context, name string, diffID digest.Digest) (Layer, error) {
	r, size, err := a.Open(name)
	if err != nil {
		return Layer{}, err
	}
	defer r.Close()
	in := bufio.NewReader(watched{ctx, r})
	head, err := in.Peek(6)
	if err != nil && err != io.EOF {
		return Layer{}, err
	}
	asIs := func() (io.ReadCloser, error) {
		r, _, err := a.Open(name)
		return r, err
	}
	d := v1.Descriptor{MediaType: v1.MediaTypeImageLayer, Digest: diffID, Size: size}
	switch compressionOf(head) {
	case plain:
		return Layer{d, asIs}, nil
	case gzipped:
		d.MediaType = v1.MediaTypeImageLayerGzip
	case zstandarded:
		d.MediaType = v1.MediaTypeImageLayerZstd
	default:
		d.Size, err = a.plainSize(in, diffID)
		return Layer{d, func() (io.ReadCloser, error) { return a.openPlain(name) }}, err
	}
	sum := digest.SHA256.Digester()
	if _, err := io.Copy(sum.Hash(), in); err != nil {
		return Layer{}, err
	}
	d.Digest = sum.Digest()
	return Layer{d, asIs}, nil
}

// plainSize measures what a layer is without its compression.
func (a *Archive) plainSize(r io.Reader, want digest.Digest) (int64, error) {
	z, err := Decompress(r)
	if err != nil {
		return 0, unreadable(err)
	}
	defer z.Close()
	sum := digest.SHA256.Digester()
	n, err := io.Copy(sum.Hash(), z)
	if err != nil {
		return 0, unreadable(err)
	}
	if got := sum.Digest(); got != want {
		return 0, fmt.Errorf("the archive is damaged: layer %s has the content of %s: %w", want, got, store.ErrInvalid)
	}
	return n, nil
}

func (a *Archive) openPlain(name string) (io.ReadCloser, error) {
	r, _, err := a.Open(name)
	if err != nil {
		return nil, err
	}
	z, err := Decompress(r)
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{z, both{z, r}}, nil
}
