package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// enoughProgress is what a connection must bring for its cut not to count
// against the limit of resumes.
const enoughProgress = 1 << 20

// Blob streams want from offset to its end. A cut stream is resumed where it
// broke; the reader sees exactly the missing bytes or an error. The digest is
// not checked.
func (r *Repository) Blob(ctx context.Context, want v1.Descriptor, offset int64) io.ReadCloser {
	return &blobReader{ctx: ctx, repo: r, want: want, at: offset, mark: offset}
}

type blobReader struct {
	ctx  context.Context
	repo *Repository
	want v1.Descriptor
	body io.ReadCloser // nil between connections
	at   int64         // next byte
	mark int64         // at when cuts was zero
	cuts int           // since the last real progress
}

func (b *blobReader) Read(p []byte) (int, error) {
	for {
		n, err := b.readOnce(p)
		if err == nil || err == io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil // the cut is found again by the next Read
		}
		if err := b.again(err); err != nil {
			return 0, err
		}
	}
}

// readOnce reads from the current connection, making one when there is none.
func (b *blobReader) readOnce(p []byte) (int, error) {
	if b.at == b.want.Size && (b.body == nil || b.want.Size == 0) {
		return 0, io.EOF
	}
	if b.body == nil {
		if err := b.connect(); err != nil {
			return 0, err
		}
	}
	n, err := b.body.Read(p)
	if left := b.want.Size - b.at; int64(n) > left {
		return 0, b.fault("the registry sends more than the %d bytes announced", b.want.Size)
	}
	b.at += int64(n)
	switch {
	case err == io.EOF && b.at == b.want.Size:
		return n, io.EOF
	case err == io.EOF:
		b.drop()
		return n, fmt.Errorf("%w after %d of %d bytes", io.ErrUnexpectedEOF, b.at, b.want.Size)
	case err != nil:
		b.drop()
	}
	return n, err
}

// again decides after a cut whether to go on, and waits.
func (b *blobReader) again(cause error) error {
	b.drop()
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	if !transient(cause) {
		return cause
	}
	if b.at-b.mark >= enoughProgress {
		b.mark, b.cuts = b.at, 0
	}
	b.cuts++
	if b.cuts > b.repo.cfg.Resumes {
		return fmt.Errorf("blob %s: gave up after %d broken connections: %w", b.want.Digest, b.cuts, cause)
	}
	return sleep(b.ctx, b.repo.cfg.backoff(b.cuts), describe(b.repo.ref.Domain, nil, cause))
}

// connect asks for the rest of the blob. Ranges name their last byte: some
// registries refuse open ones.
func (b *blobReader) connect() error {
	header := http.Header{}
	if b.at > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", b.at, b.want.Size-1))
	}
	resp, err := b.repo.get(b.ctx, "/blobs/"+b.want.Digest.String(), header)
	if err != nil {
		return err
	}
	b.body = resp.Body
	if err := b.accept(resp); err != nil {
		b.drop()
		return err
	}
	return nil
}

// accept checks that an answer continues the blob where we are. A registry
// that ignores ranges sends all of it; what we have is then skipped.
func (b *blobReader) accept(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusPartialContent && b.at > 0:
		var first, last, total int64
		_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total)
		if err == nil && total != b.want.Size {
			return b.fault("the registry's copy has %d bytes, the manifest says %d", total, b.want.Size)
		}
		if first != b.at {
			return b.fault("the registry answered another range than asked for")
		}
		return nil
	case resp.StatusCode == http.StatusOK:
		if n := resp.ContentLength; n >= 0 && n != b.want.Size {
			return b.fault("the registry's copy has %d bytes, the manifest says %d", n, b.want.Size)
		}
		_, err := io.CopyN(io.Discard, resp.Body, b.at)
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	case resp.StatusCode == http.StatusPartialContent, resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return b.fault("the registry answered another range than asked for")
	}
	return b.repo.statusError(resp, "blob "+b.want.Digest.String())
}

func (b *blobReader) fault(format string, args ...any) error {
	return bad("blob %s: %w", b.want.Digest, fmt.Errorf(format, args...))
}

func (b *blobReader) drop() {
	if b.body != nil {
		_ = b.body.Close()
		b.body = nil
	}
}

// Close ends the transfer.
func (b *blobReader) Close() error {
	b.drop()
	return nil
}
