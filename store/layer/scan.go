package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
)

// Scan reads an uncompressed tar to its very end and returns the index the
// layer would have, and its diff-id. Nothing is written anywhere.
func Scan(ctx context.Context, r io.Reader, l Limits) (*Index, digest.Digest, error) {
	in := newStream(ctx, r, l.Bytes)
	x := &extractor{tree: newTree(l.Entries), names: unwritten{}, in: in, tar: tar.NewReader(in), limits: l}
	err := x.run()
	in.finish()
	if err != nil {
		return nil, "", fmt.Errorf("reading a layer: %w", err)
	}
	var b bytes.Buffer
	if err := encodeIndex(&b, x.sorted()); err != nil {
		return nil, "", err
	}
	index, err := parseIndex(b.Bytes())
	return index, digest.NewDigestFromBytes(digest.SHA256, in.sum[:]), err
}

// unwritten makes no names.
type unwritten struct{}

func (unwritten) mkdir(string) error               { return nil }
func (unwritten) special(string, *inode) error     { return nil }
func (unwritten) remove(string, bool) error        { return nil }
func (unwritten) link(*disk, string, string) error { return nil }
func (unwritten) forget()                          {}
