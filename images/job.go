package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/store"
	"gantry/store/blob"
	"gantry/store/layer"
)

// errTransfer marks errors of the stream a layer comes in, as opposed to those
// of its content or of our disk.
var errTransfer = errors.New("transfer")

type transferError struct{ err error }

func (e transferError) Error() string     { return e.err.Error() }
func (e transferError) Unwrap() error     { return e.err }
func (e transferError) Is(err error) bool { return err == errTransfer }

// errAborted ends a transfer that nobody needs any more.
var errAborted = errors.New("aborted")

// job is one layer on its way in.
type job struct {
	im     *Images
	blob   v1.Descriptor
	diffID digest.Digest
	meter  *meter
	from   source
	words  words
}

// words are what a layer on its way in is said to be doing.
type words struct{ doing, done string }

// source opens a blob where it comes from, at an offset. Reading ends with ctx.
type source func(ctx context.Context, d v1.Descriptor, offset int64) io.ReadCloser

func (j *job) run(ctx context.Context) error {
	ctx = registry.WithNotice(ctx, j.meter.note)
	action, err := j.ensure(ctx)
	if err != nil {
		j.meter.set(actFailed, progress.Failed)
		return fmt.Errorf("layer %s: %w", short(j.blob.Digest), err)
	}
	j.meter.set(action, progress.Done)
	return nil
}

// ensure makes both the blob and the unpacked layer present. One process at a
// time works on a blob; who waited finds the other's work, or takes over.
func (j *job) ensure(ctx context.Context) (string, error) {
	if j.present() {
		return actExists, nil
	}
	if l, err := j.im.s.TryLock("blobs", j.blob.Digest.Encoded()); err == nil {
		l.Unlock()
	} else if errors.Is(err, store.ErrLocked) {
		j.meter.others(j.othersProgress)
	}
	part, err := j.im.blobs.Partial(ctx, j.blob.Digest, j.blob.Size)
	if err != nil {
		return "", err
	}
	defer part.Close()
	if j.present() {
		return actExists, nil
	}
	if part.Existing() {
		err := j.unpackStored(ctx)
		if err == nil || !errors.Is(err, store.ErrDamaged) {
			return j.words.done, err
		}
		// The stored blob is not what its name says: fetch it again.
		if err := j.im.blobs.Remove(j.blob.Digest); err != nil {
			return "", err
		}
		if err := part.Close(); err != nil {
			return "", err
		}
		if part, err = j.im.blobs.Partial(ctx, j.blob.Digest, j.blob.Size); err != nil {
			return "", err
		}
		defer part.Close()
	}
	j.meter.set(j.words.doing, progress.Active)
	return j.words.done, j.fetch(ctx, part)
}

// present reports whether the layer and its blob are here.
func (j *job) present() bool {
	if n, err := j.im.blobs.Size(j.blob.Digest); err != nil || n != j.blob.Size {
		return false
	}
	_, err := j.im.layers.Get(j.diffID)
	return err == nil
}

// othersProgress is how much another process has of the blob.
func (j *job) othersProgress() int64 {
	fi, err := os.Stat(j.im.s.Path("tmp", j.blob.Digest.Encoded()+store.PartSuffix))
	if err != nil {
		return 0
	}
	return fi.Size()
}

// fetch streams the blob, what is here of it first, into the blob store and
// the unpacker at once.
func (j *job) fetch(ctx context.Context, part *blob.Partial) error {
	u, err := j.im.layers.Begin(ctx, j.diffID)
	if err != nil {
		return err
	}
	defer u.Close()
	j.meter.at(part.Offset())
	download, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	body := j.from(download, j.blob, part.Offset())
	defer body.Close()
	src := io.MultiReader(part.Reader(), &tee{from: body, to: part, meter: j.meter})
	if u.Existing() { // through another blob with the same content
		if _, err := io.Copy(io.Discard, src); err != nil {
			return err
		}
		return part.Commit()
	}
	if err := j.unpack(ctx, u, src, func() { abort(errAborted) }); err != nil {
		return j.blame(src, part, err)
	}
	if err := part.Commit(); err != nil {
		return err
	}
	if _, err := u.Commit(ctx); err != nil {
		return errors.Join(err, j.im.blobs.Remove(j.blob.Digest))
	}
	return nil
}

// blame finds out who is at fault when unpacking broke off. Bytes that are not
// the ones asked for must not be resumed from; if they are, the image itself
// is broken and its blob not worth keeping.
func (j *job) blame(src io.Reader, part *blob.Partial, cause error) error {
	switch {
	case !errors.Is(cause, store.ErrInvalid):
		return cause
	case errors.Is(cause, errTransfer):
		return errors.Join(cause, part.Reset())
	}
	if _, err := io.Copy(io.Discard, src); err != nil {
		return err
	}
	if err := part.Commit(); err != nil {
		return err
	}
	return errors.Join(cause, j.im.blobs.Remove(j.blob.Digest))
}

// unpackStored unpacks a blob that is here already. It is ErrDamaged when the
// blob is not what its digest says.
func (j *job) unpackStored(ctx context.Context) error {
	f, err := j.im.blobs.Open(j.blob.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	u, err := j.im.layers.Begin(ctx, j.diffID)
	if err != nil || u.Existing() {
		return errors.Join(err, closeUnpack(u))
	}
	defer u.Close()
	j.meter.set(actExtracting, progress.Active)
	j.meter.at(0)
	sum := digest.SHA256.Digester()
	src := io.TeeReader(f, io.MultiWriter(sum.Hash(), countTo{j.meter}))
	cause := j.unpack(ctx, u, src, func() {})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, err := io.Copy(io.Discard, src); err != nil {
		return err
	}
	if sum.Digest() != j.blob.Digest {
		return fmt.Errorf("stored blob %s is %w", j.blob.Digest, store.ErrDamaged)
	}
	if cause != nil {
		return cause
	}
	_, err = u.Commit(ctx)
	return notDamaged(err)
}

func closeUnpack(u *layer.Unpack) error {
	if u == nil {
		return nil
	}
	return u.Close()
}

// notDamaged keeps a layer that contradicts its config from being taken for a
// damaged blob.
func notDamaged(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", err.Error(), store.ErrInvalid)
}

// unpack runs the stages: src is read in one goroutine and decompressed in a
// second, while this one writes files. It ends with all of src consumed, or
// with the error of the first stage that failed; abort then ends a Read of src
// that may wait for long.
func (j *job) unpack(ctx context.Context, u *layer.Unpack, src io.Reader, abort func()) error {
	compressed, plain := newPipe(), newPipe()
	read, inflated := make(chan error, 1), make(chan error, 1)
	go func() {
		err := compressed.fill(src)
		if err == nil {
			j.meter.set(actExtracting, progress.Active)
		}
		read <- err
	}()
	go func() { inflated <- inflate(compressed, plain) }()
	err := u.From(ctx, plain)
	_ = plain.Close()
	if err != nil && !errors.Is(err, store.ErrInvalid) {
		abort()
	}
	inflateErr := <-inflated
	_ = compressed.Close()
	readErr := <-read
	for _, e := range []error{readErr, inflateErr} {
		if e != nil && !errors.Is(e, io.ErrClosedPipe) && !errors.Is(e, errAborted) {
			return e
		}
	}
	return err
}

// inflate fills plain with what is in compressed, to the end of both.
func inflate(compressed, plain *pipe) error {
	z, err := decompress(compressed)
	if err != nil {
		_ = plain.fill(failing{err})
		return err
	}
	defer z.Close()
	if err := plain.fill(z); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, compressed)
	return err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// tee passes a download on, keeping and counting every byte.
type tee struct {
	from  io.Reader
	to    io.Writer
	meter *meter
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if n > 0 {
		if _, err := t.to.Write(p[:n]); err != nil {
			return 0, err
		}
		t.meter.add(n)
	}
	if err != nil && err != io.EOF {
		err = transferError{err}
	}
	return n, err
}

type countTo struct{ m *meter }

func (c countTo) Write(p []byte) (int, error) {
	c.m.add(len(p))
	return len(p), nil
}
