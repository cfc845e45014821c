package layers

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"gantry/internal/cleanup"
	"gantry/internal/termsafe"
	"gantry/store"
)

// selection is a part of the image as it is after a layer.
type selection struct {
	x     *Index
	place int
	top   int32   // what was asked for
	nodes []int32 // with all that is there below, in tree order
}

func (x *Index) choose(layer int, path string) (*selection, error) {
	s := &selection{x: x, place: x.place(layer)}
	var ok bool
	if s.top, ok = x.lookup(path); ok {
		_, ok = x.state(s.top, s.place)
	}
	if !ok && s.top != 0 || len(x.nodes) == 0 {
		return nil, fmt.Errorf("%s is not there after layer %d: %w", termsafe.Line(path), layer+1, store.ErrNotFound)
	}
	for n := s.top; n < x.nodes[s.top].end; n++ {
		if _, there := x.state(n, s.place); there {
			s.nodes = append(s.nodes, n)
		}
	}
	return s, nil
}

// name is the path of n within what was asked for.
func (s *selection) name(n int32) string {
	full, top := s.x.rawPath(n), s.x.rawPath(s.top)
	if n == s.top {
		return path.Base(full)
	}
	if top == "" {
		return full
	}
	return path.Join(path.Base(top), strings.TrimPrefix(full, top))
}

// header describes n for a tar, without its content.
func (s *selection) header(n int32) *tar.Header {
	now, _ := s.x.state(n, s.place)
	a, c := &s.x.versions[now.attrs], &s.x.versions[now.content]
	more := &s.x.more[a.more]
	h := &tar.Header{
		Typeflag: c.typ, Name: s.name(n), Mode: int64(a.mode), Uid: int(a.uid), Gid: int(a.gid),
		ModTime: time.Unix(a.sec, 0), Size: c.size, Devmajor: int64(more.major), Devminor: int64(more.minor),
		Format: tar.FormatPAX,
	}
	if h.Typeflag == tar.TypeSymlink {
		h.Linkname = s.x.more[c.more].rawLink
	}
	if h.Typeflag == tar.TypeDir {
		h.Name += "/"
	}
	for key, value := range more.xattrs {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+key] = value
	}
	return h
}

// sink takes what is selected: first all that has no content, then the files,
// then the further names of files.
type sink interface {
	bare(h *tar.Header) error
	file(h *tar.Header, r io.Reader) error
	link(h *tar.Header) error
}

func (s *selection) write(ctx context.Context, to sink) error {
	var items []item
	for _, n := range s.nodes {
		it, _ := s.x.item(n, s.place)
		if s.x.versions[it.version].typ == tar.TypeReg {
			items = append(items, it)
		} else if err := to.bare(s.header(n)); err != nil {
			return err
		}
	}
	first := map[int32]int32{} // content with several names → the one that is written
	var more []int32
	err := s.x.each(ctx, items, func(it item, r io.Reader) error {
		if _, written := first[it.version]; written {
			more = append(more, it.name)
			return nil
		}
		first[it.version] = it.name
		h := s.header(it.name)
		return to.file(h, &exactly{r: r, left: h.Size})
	})
	if err != nil {
		return err
	}
	for _, n := range more {
		it, _ := s.x.item(n, s.place)
		h := s.header(n)
		h.Typeflag, h.Size, h.Linkname = tar.TypeLink, 0, s.name(first[it.version])
		if err := to.link(h); err != nil {
			return err
		}
	}
	return nil
}

// exactly reports content that is shorter than it should be, and keeps what is
// longer from being read.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = fmt.Errorf("%d bytes are missing at its end: %w", e.left, store.ErrDamaged)
	}
	return n, err
}

// tarSink writes a tar.
type tarSink struct{ *tar.Writer }

func (t tarSink) bare(h *tar.Header) error { h.Size = 0; return t.WriteHeader(h) }
func (t tarSink) link(h *tar.Header) error { return t.WriteHeader(h) }
func (t tarSink) file(h *tar.Header, r io.Reader) error {
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}

// WriteTar writes path as it is after layer, with all in it, as a tar.
func (x *Index) WriteTar(ctx context.Context, layer int, path string, w io.Writer) error {
	s, err := x.choose(layer, path)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	if err := s.write(ctx, tarSink{t}); err != nil {
		return err
	}
	return t.Close()
}

// Extract writes path as it is after layer to the host path dst: a file to a
// file, a directory with all in it to a new directory. dst must not exist.
// Owners, setuid bits and extended attributes stay in the image, and devices
// and fifos are left out; WriteTar keeps all of them.
func (x *Index) Extract(ctx context.Context, layer int, from, dst string) error {
	s, err := x.choose(layer, from)
	if err != nil {
		return err
	}
	dst = filepath.Clean(dst)
	if _, err := os.Lstat(dst); err == nil {
		return fmt.Errorf("%s: %w", termsafe.Line(dst), store.ErrExists)
	}
	outer, err := os.OpenRoot(filepath.Dir(dst))
	if err != nil {
		return err
	}
	defer outer.Close()
	d := &dirSink{root: outer, strip: s.name(s.top), as: filepath.Base(dst)}
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() {
		if d.began {
			_ = outer.RemoveAll(d.as)
		}
	})
	if err := s.write(ctx, d); err != nil {
		return fmt.Errorf("extracting %s: %w", termsafe.Line(from), err)
	}
	if !d.began {
		return fmt.Errorf("%s is neither a file nor a directory: %w", termsafe.Line(from), store.ErrInvalid)
	}
	if err := d.dress(); err != nil {
		return err
	}
	undo.Keep()
	return nil
}

// dirSink makes files below a directory it never leaves. Nothing is written
// through a symbolic link, and nothing that is there is replaced.
type dirSink struct {
	root      *os.Root
	strip, as string
	began     bool
	dirs      []*tar.Header
}

func (d *dirSink) path(name string) string {
	name = strings.TrimSuffix(name, "/")
	if d.strip == "." { // all of the image
		return path.Join(d.as, name)
	}
	return d.as + strings.TrimPrefix(name, d.strip)
}

func (d *dirSink) bare(h *tar.Header) error {
	name := d.path(h.Name)
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		err = d.root.Mkdir(name, 0o700)
		d.dirs = append(d.dirs, h)
	case tar.TypeSymlink:
		err = d.root.Symlink(h.Linkname, name)
	default:
		return nil
	}
	d.began = d.began || err == nil
	return taken(name, err)
}

func (d *dirSink) file(h *tar.Header, r io.Reader) (err error) {
	name := d.path(h.Name)
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return taken(name, err)
	}
	d.began = true
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	if err := f.Chmod(fs.FileMode(h.Mode) & fs.ModePerm); err != nil {
		return err
	}
	return d.root.Chtimes(name, h.ModTime, h.ModTime)
}

func (d *dirSink) link(h *tar.Header) error {
	name := d.path(h.Name)
	return taken(name, d.root.Link(d.path(h.Linkname), name))
}

// dress gives directories their modes when all is in them.
func (d *dirSink) dress() error {
	for i := len(d.dirs) - 1; i >= 0; i-- {
		h := d.dirs[i]
		if err := d.root.Chmod(d.path(h.Name), fs.FileMode(h.Mode)&fs.ModePerm); err != nil {
			return err
		}
		if err := d.root.Chtimes(d.path(h.Name), h.ModTime, h.ModTime); err != nil {
			return err
		}
	}
	return nil
}

func taken(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", termsafe.Line(name), store.ErrExists)
	}
	return err
}

// WriteLayer writes one layer's tar as the image has it, uncompressed.
func (x *Index) WriteLayer(ctx context.Context, layer int, w io.Writer) (err error) {
	place := x.place(layer)
	if place < 0 || x.stack[place] != layer {
		return fmt.Errorf("instruction %d made no layer: %w", layer+1, store.ErrInvalid)
	}
	r, err := x.source.tar(ctx, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, err = io.Copy(w, &cancellable{ctx, r})
	return err
}

// ExtractLayer is WriteLayer into a new file.
func (x *Index) ExtractLayer(ctx context.Context, layer int, dst string) (err error) {
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return taken(dst, err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(dst))
		}
	}()
	return x.WriteLayer(ctx, layer, f)
}
