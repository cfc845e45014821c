package viewer

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"gantry/ui/theme"
	"gantry/ui/widget"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// An archive's list is as long as this, and read no further than that.
const (
	mostEntries  = 10_000
	mostUnpacked = 512 << 20
)

// archiveOf names what kind of archive head begins; "" for none we list. A
// compressed file that holds no tar is listed as one that cannot be read, and
// so shown as bytes.
func archiveOf(head []byte, name string) string {
	compressedTar := func() bool {
		switch path.Ext(name) {
		case ".tgz", ".tbz", ".tzst":
			return true
		}
		return path.Ext(name[:len(name)-len(path.Ext(name))]) == ".tar"
	}
	switch {
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "tar"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "zip"
	case !compressedTar():
		return ""
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip tar"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd tar"
	case bytes.HasPrefix(head, []byte("BZh")):
		return "bzip2 tar"
	default:
		return ""
	}
}

// archivePage lists what is in an archive, as far as its bounds allow.
func archivePage(ctx context.Context, f File) (Page, error) {
	head, err := read(f, 0, sniffed)
	if err != nil {
		return Page{}, err
	}
	p := Page{Kind: Archive, Note: archiveOf(head, f.Name), Next: Place{Offset: f.Size}}
	if p.Note == "zip" {
		return p, p.listZip(f)
	}
	r, closer, err := unpacked(p.Note, io.NewSectionReader(f, 0, f.Size))
	if err != nil {
		return p, err
	}
	defer closer()
	return p, p.listTar(ctx, r)
}

// unpacked undoes the compression of kind.
func unpacked(kind string, r io.Reader) (io.Reader, func(), error) {
	r = bufio.NewReaderSize(r, 64<<10)
	switch kind {
	case "gzip tar":
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case "zstd tar":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case "bzip2 tar":
		return bzip2.NewReader(r), func() {}, nil
	default:
		return r, func() {}, nil
	}
}

func (p *Page) listTar(ctx context.Context, r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: mostUnpacked}
	t := tar.NewReader(limited)
	for ctx.Err() == nil {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && limited.N <= 0, len(p.Lines) >= mostEntries:
			p.goesOn()
			return nil
		case err != nil && len(p.Lines) == 0:
			return err
		case err != nil:
			p.add(widget.TextLine{{Text: "  the rest cannot be read: " + clean(err.Error()), Role: theme.Danger}})
			return nil
		}
		name := h.Name
		if h.Linkname != "" {
			name += " -> " + h.Linkname
		}
		p.entry(h.FileInfo().Mode(), h.Size, h.ModTime, name)
	}
	return ctx.Err()
}

func (p *Page) listZip(f File) error {
	z, err := zip.NewReader(f.ReaderAt, f.Size)
	if err != nil {
		return err
	}
	for _, e := range z.File {
		if len(p.Lines) >= mostEntries {
			p.goesOn()
			break
		}
		p.entry(e.Mode(), int64(min(e.UncompressedSize64, 1<<62)), e.Modified, e.Name)
	}
	return nil
}

func (p *Page) entry(mode fs.FileMode, size int64, at time.Time, name string) {
	p.add(widget.TextLine{
		{Text: fmt.Sprintf("  %s ", mode), Role: theme.Muted},
		{Text: widget.FitRight(widget.Size(size), 9, "")},
		{Text: "  " + at.UTC().Format("2006-01-02 15:04") + "  ", Role: theme.Muted},
		{Text: clean(name)},
	})
}

func (p *Page) goesOn() {
	p.add(widget.TextLine{{Text: "  the list goes on; extract the file to see the rest", Role: theme.Muted}})
}
