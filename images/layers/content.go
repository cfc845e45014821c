package layers

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"gantry/internal/termsafe"
	"gantry/store"
)

// Content is one version of a file, read from where the image lies.
type Content struct {
	io.ReadCloser
	Version Version
}

// item is a file's content: in which layer, of which node.
type item struct {
	node, version int32
	name          int32 // the node it was asked for by
}

// item finds what is at n after a layer.
func (x *Index) item(n int32, place int) (item, bool) {
	s, ok := x.state(n, place)
	if !ok {
		return item{}, false
	}
	it := item{node: n, version: s.content, name: n}
	if s.content != s.shown {
		if home, linked := x.homes[s.content]; linked {
			it.node = home
		}
	}
	return it, true
}

// Open reads path as it is after layer. The caller closes it.
func (x *Index) Open(ctx context.Context, layer int, path string) (*Content, error) {
	n, ok := x.lookup(path)
	it, there := item{}, false
	if ok {
		it, there = x.item(n, x.place(layer))
	}
	if !there {
		return nil, fmt.Errorf("%s is not there after layer %d: %w", termsafe.Line(path), layer+1, store.ErrNotFound)
	}
	if x.versions[it.version].typ != tar.TypeReg {
		return nil, fmt.Errorf("%s is no regular file: %w", termsafe.Line(path), store.ErrInvalid)
	}
	r, err := x.open(ctx, it)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", termsafe.Line(path), err)
	}
	v, _ := x.at(n, x.place(layer))
	return &Content{r, v}, nil
}

func (x *Index) open(ctx context.Context, it item) (io.ReadCloser, error) {
	v := &x.versions[it.version]
	r, err := x.source.file(int(v.layer), x.rawPath(it.node))
	if r != nil || err != nil {
		return r, err
	}
	s := &sequence{x: x, ctx: ctx}
	file, err := s.open(it)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return &part{file, s}, nil
}

// part is a file in a tar that is closed with it.
type part struct {
	io.Reader
	s *sequence
}

func (p *part) Close() error { return p.s.close() }

// each calls use with the content of every item, by layer and in the order the
// layer has it, so that each layer is read at most once.
func (x *Index) each(ctx context.Context, items []item, use func(item, io.Reader) error) (err error) {
	slices.SortFunc(items, func(a, b item) int {
		va, vb := &x.versions[a.version], &x.versions[b.version]
		return cmp.Or(cmp.Compare(va.layer, vb.layer), cmp.Compare(va.off, vb.off), cmp.Compare(a.node, b.node))
	})
	s := &sequence{x: x, ctx: ctx}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.use(it, use); err != nil {
			return err
		}
	}
	return nil
}

// sequence reads files out of layers' tars, forwards.
type sequence struct {
	x     *Index
	ctx   context.Context //nolint:containedctx // of one call of each or open
	layer int
	tar   io.ReadCloser
	at    int64
}

func (s *sequence) use(it item, use func(item, io.Reader) error) error {
	r, err := s.x.source.file(int(s.x.versions[it.version].layer), s.x.rawPath(it.node))
	if err != nil {
		return err
	}
	if r != nil {
		return errors.Join(use(it, r), r.Close())
	}
	file, err := s.open(it)
	if err != nil {
		return err
	}
	return use(it, file)
}

// open returns the content of an item, valid until the next call.
func (s *sequence) open(it item) (io.Reader, error) {
	v := &s.x.versions[it.version]
	if s.tar == nil || s.layer != int(v.layer) || s.at > v.off || v.off < 0 {
		if err := s.rewind(int(v.layer)); err != nil {
			return nil, err
		}
	}
	if v.off < 0 {
		s.at = 1<<63 - 1 // whoever comes next starts anew
		return s.sparse(it)
	}
	if _, err := io.CopyN(io.Discard, &counting{s}, v.off-s.at); err != nil {
		return nil, err
	}
	return io.LimitReader(&counting{s}, v.size), nil
}

func (s *sequence) rewind(layer int) error {
	if err := s.close(); err != nil {
		return err
	}
	var err error
	s.tar, err = s.x.source.tar(s.ctx, layer)
	s.layer, s.at = layer, 0
	return err
}

func (s *sequence) close() error {
	if s.tar == nil {
		return nil
	}
	err := s.tar.Close()
	s.tar = nil
	return err
}

// sparse finds a file whose content is not in one piece by its name.
func (s *sequence) sparse(it item) (io.Reader, error) {
	want, t := s.x.rawPath(it.node), tar.NewReader(&cancellable{s.ctx, s.tar})
	for {
		hdr, err := t.Next()
		if err == io.EOF {
			return nil, fmt.Errorf("its content is no longer where it was: %w", store.ErrDamaged)
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, err
		}
		if path.Clean("/" + hdr.Name)[1:] == want && hdr.Size == s.x.versions[it.version].size {
			return t, nil
		}
	}
}

// counting notes how far the tar is read.
type counting struct{ s *sequence }

func (c *counting) Read(p []byte) (int, error) {
	if err := c.s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.s.tar.Read(p)
	c.s.at += int64(n)
	return n, err
}
