package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"gantry/store"
)

// OpenPath opens an archive, or a directory with an OCI layout. Compressed
// archives are spooled in the directory tmp.
func OpenPath(ctx context.Context, name, tmp string) (*Archive, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, errors.Join(err, f.Close())
	case fi.IsDir():
		_ = f.Close()
		return openDir(name)
	}
	a, err := openFile(ctx, f, tmp)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(err, f.Close()))
	}
	return a, nil
}

func openDir(name string) (*Archive, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	a := &Archive{dir: root, closer: root}
	if !a.has(indexFile) {
		_ = root.Close()
		return nil, refuse("%s: not an image: the directory has no %s", name, indexFile)
	}
	return a, nil
}

// OpenStream opens an archive that is read from r, which may be a pipe.
func OpenStream(ctx context.Context, r io.Reader, tmp string) (*Archive, error) {
	f, ok := r.(*os.File)
	if !ok {
		return spooled(ctx, r, tmp)
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return spooled(ctx, r, tmp)
	}
	a, err := openFile(ctx, f, tmp)
	if err != nil {
		return nil, err
	}
	if a.closer == f { // the caller's
		a.closer = io.NopCloser(nil)
	}
	return a, nil
}

// openFile reads an archive where it lies, unless it is compressed or no
// regular file. On success f is closed with the archive.
func openFile(ctx context.Context, f *os.File, tmp string) (*Archive, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from, err := f.Seek(0, io.SeekCurrent)
	if err != nil || !fi.Mode().IsRegular() {
		a, err := spooled(ctx, f, tmp)
		if err == nil {
			a.closer = both{a.closer, f}
		}
		return a, err
	}
	whole := io.NewSectionReader(f, from, fi.Size()-from)
	head := make([]byte, headBytes)
	n, err := whole.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if compressionOf(head[:n]) != plain {
		a, err := spooled(ctx, whole, tmp)
		if err == nil {
			a.closer = both{a.closer, f}
		}
		return a, err
	}
	a := &Archive{tar: whole, closer: f}
	return a, a.scan(ctx, whole, head[:n])
}

type both [2]io.Closer

func (b both) Close() error { return errors.Join(b[0].Close(), b[1].Close()) }

// spooled copies a stream, uncompressed, to a file that has no name and so goes
// with this process.
func spooled(ctx context.Context, r io.Reader, tmp string) (*Archive, error) {
	z, err := Decompress(watched{ctx, r})
	if err != nil {
		return nil, unreadable(err)
	}
	defer z.Close()
	in := bufio.NewReaderSize(z, copyBytes)
	head, err := in.Peek(headBytes)
	if err != nil && err != io.EOF {
		return nil, unreadable(err)
	}
	if !tarHead(head) {
		return nil, notTar(head)
	}
	f, err := os.CreateTemp(tmp, "archive-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	size, err := io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{in}, make([]byte, copyBytes))
	if err != nil {
		return nil, errors.Join(unreadable(err), f.Close())
	}
	a := &Archive{tar: f, closer: f}
	if err := a.scan(ctx, io.NewSectionReader(f, 0, size), head); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

const copyBytes = 1 << 20

// scan lists the files of a tar. Content is passed over, not read.
func (a *Archive) scan(ctx context.Context, r *io.SectionReader, head []byte) error {
	if !tarHead(head) {
		return notTar(head)
	}
	a.files = map[string]file{}
	var seen rootTree
	for t := tar.NewReader(r); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if err == io.EOF {
			return a.complete(seen)
		}
		if err != nil {
			return truncated(err)
		}
		if len(a.files) >= maxFiles {
			return seen.refuse()
		}
		if err := a.note(h, r, &seen); err != nil {
			return err
		}
	}
}

// note keeps where a file lies. Of two with one name the later counts.
func (a *Archive) note(h *tar.Header, r *io.SectionReader, seen *rootTree) error {
	seen.add(h.Name)
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		at, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if at+h.Size > r.Size() {
			return truncated(io.ErrUnexpectedEOF)
		}
		a.files[name] = file{offset: at, size: h.Size}
	case tar.TypeLink:
		return a.link(name, h.Linkname)
	case tar.TypeSymlink:
		// A root filesystem has links of all kinds; only those that stay
		// inside can be a layer.
		if target, err := cleanName(path.Join(path.Dir(name), h.Linkname)); err == nil && !path.IsAbs(h.Linkname) {
			return a.link(name, target)
		}
	}
	return nil
}

func (a *Archive) link(name, target string) error {
	clean, err := cleanName(target)
	if err == nil {
		a.files[name] = file{link: clean}
	}
	return err
}

// complete refuses a tar that is no image.
func (a *Archive) complete(seen rootTree) error {
	for _, name := range []string{indexFile, dockerFile, legacyFile} {
		if _, ok := a.files[name]; ok {
			return nil
		}
	}
	return seen.refuse()
}

// watched ends with its context.
type watched struct {
	ctx context.Context
	r   io.Reader
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

func refuse(format string, args ...any) error {
	return &refusal{fmt.Sprintf(format, args...)}
}

// refusal is a whole sentence about an archive that cannot be used.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return store.ErrInvalid }
