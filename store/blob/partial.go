package blob

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/opencontainers/go-digest"

	"gantry/internal/atomicfile"
	"gantry/internal/flock"
	"gantry/store"
)

// Partial is a blob on its way in. It is an io.Writer that appends, and belongs
// to one goroutine. What was written stays when the process dies, and the next
// Partial for the same digest goes on from there.
type Partial struct {
	b      *Store
	d      digest.Digest
	size   int64       // -1: unknown
	lock   *flock.Lock // on the digest
	held   *flock.Lock // on f, so that SweepTemp sees that it has a holder
	f      *os.File
	hash   hash.Hash
	offset int64
	exists bool
}

// Partial takes the lock on d, waiting for another process that fetches it, and
// opens what is there of it. size is -1 when it is unknown. When the blob
// arrived meanwhile, Existing is true and there is nothing to write.
func (b *Store) Partial(ctx context.Context, d digest.Digest, size int64) (*Partial, error) {
	if err := b.writable(d); err != nil {
		return nil, err
	}
	lock, err := b.s.Lock(ctx, "blobs", d.Encoded())
	if err != nil {
		return nil, err
	}
	p := &Partial{b: b, d: d, size: size, lock: lock, hash: d.Algorithm().Hash()}
	if n, err := b.Size(d); err == nil && (size < 0 || n == size) {
		p.exists, p.offset = true, n
		return p, nil
	}
	if err := p.open(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// open opens the file of an earlier attempt, or a new one, and hashes what it
// holds.
func (p *Partial) open(ctx context.Context) error {
	path := p.b.s.Path("tmp", p.d.Encoded()+store.PartSuffix)
	var err error
	if p.held, err = flock.Acquire(ctx, path, flock.Exclusive); err != nil {
		return err
	}
	p.f = p.held.File()
	n, err := io.Copy(p.hash, bounded(ctx, p.f, p.size))
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	p.offset = n
	if p.size >= 0 && n > p.size {
		return p.Reset()
	}
	return nil
}

// Existing reports whether the blob is complete already.
func (p *Partial) Existing() bool { return p.exists }

// Offset is how many bytes are there: where the next Write goes.
func (p *Partial) Offset() int64 { return p.offset }

// Reader reads the bytes below Offset as of now, from the first one.
func (p *Partial) Reader() io.Reader {
	if p.f == nil {
		return readerFunc(func([]byte) (int, error) { return 0, io.EOF })
	}
	return io.NewSectionReader(p.f, 0, p.offset)
}

// Write appends. It refuses, without writing, what goes beyond the size.
func (p *Partial) Write(data []byte) (int, error) {
	if p.f == nil {
		return 0, fmt.Errorf("blob %s is complete: %w", p.d, store.ErrExists)
	}
	if p.size >= 0 && p.offset+int64(len(data)) > p.size {
		return 0, fmt.Errorf("blob %s has more than the %d bytes announced: %w", p.d, p.size, store.ErrInvalid)
	}
	n, err := p.f.WriteAt(data, p.offset)
	_, _ = p.hash.Write(data[:n]) // never fails
	p.offset += int64(n)
	return n, err
}

// Reset starts over, for a source that cannot resume.
func (p *Partial) Reset() error {
	if p.f == nil {
		return nil
	}
	p.hash.Reset()
	p.offset = 0
	return p.f.Truncate(0)
}

// Commit verifies what was written and makes it visible as the blob. It is not
// flushed to disk: see the power-cut rule of the layers. With bytes missing the
// error is io.ErrUnexpectedEOF and they can still be written. With a wrong
// digest it is ErrInvalid and everything is thrown away.
func (p *Partial) Commit() error {
	if p.exists {
		return nil
	}
	if p.size >= 0 && p.offset < p.size {
		return fmt.Errorf("blob %s has %d bytes of %d: %w", p.d, p.offset, p.size, io.ErrUnexpectedEOF)
	}
	got := digest.NewDigest(p.d.Algorithm(), p.hash)
	if err := verify(p.d, p.size, got, p.offset); err != nil {
		return errors.Join(err, p.Reset())
	}
	if err := p.f.Chmod(blobMode); err != nil {
		return err
	}
	if err := p.b.place(p.f.Name(), p.d, atomicfile.Crash); err != nil {
		return err
	}
	p.exists = true
	p.release()
	return nil
}

// Close lets others have the blob. What was written and not committed stays for
// the next attempt. It may be called twice.
func (p *Partial) Close() error {
	var err error
	if p.f != nil && p.offset == 0 {
		err = os.Remove(p.f.Name()) // nothing worth keeping
	}
	p.release()
	if p.lock != nil {
		p.b.s.DropLock("blobs", p.d.Encoded(), p.lock)
		p.lock = nil
	}
	return err
}

func (p *Partial) release() {
	p.held.Unlock()
	p.held, p.f = nil, nil
}
