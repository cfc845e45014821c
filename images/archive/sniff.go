package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// headBytes is what is looked at to know what a file is: a tar's first block.
const headBytes = 512

// tarHead reports whether a file starts as a tar does.
func tarHead(head []byte) bool {
	if len(head) < headBytes {
		return false
	}
	_, err := tar.NewReader(io.MultiReader(bytes.NewReader(head[:headBytes]), zeros{})).Next()
	return !errors.Is(err, tar.ErrHeader)
}

// zeros never ends, so that only the header decides.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// notTar says what a file is instead.
func notTar(head []byte) error {
	text := strings.ToLower(string(bytes.TrimSpace(head)))
	switch {
	case len(head) == 0:
		return refuse("not an image archive: the input is empty")
	case strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html"):
		return refuse("not an image archive (a web page): the download went wrong")
	case strings.HasPrefix(text, "<"):
		return refuse("not an image archive (XML or HTML text)")
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return refuse("not an image archive (JSON text)")
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return refuse("not an image archive (an ELF program)")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return refuse("not an image archive (a zip file)")
	case utf8.Valid(head[:len(head)-min(len(head)-1, 3)]) && !bytes.ContainsRune(head, 0):
		return refuse("not an image archive (text file); for a root filesystem use import")
	case len(head) < headBytes:
		return refuse("not an image archive: only %d bytes", len(head))
	}
	return refuse("not an image archive: neither a tar nor compressed in a known way")
}

// truncated says that a tar breaks off or is broken.
func truncated(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse("the archive is truncated: it ends in the middle of a file")
	}
	if errors.Is(err, tar.ErrHeader) {
		return refuse("the archive is damaged: a header in the tar is invalid")
	}
	return err
}

// unreadable says what is wrong with compressed data.
func unreadable(err error) error {
	var bad *compressionError
	switch {
	case !errors.As(err, &bad):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse("the archive is truncated: the %s data ends too early", bad.kind)
	}
	return refuse("the archive is damaged: the %s data is invalid", bad.kind)
}

// rootTree remembers whether a tar looks like a root filesystem.
type rootTree int

const (
	sawBin rootTree = 1 << iota
	sawEtc
	sawUsr
)

func (t *rootTree) add(name string) {
	top, _, _ := strings.Cut(strings.TrimLeft(name, "./"), "/")
	switch top {
	case "bin", "sbin", "lib":
		*t |= sawBin
	case "etc":
		*t |= sawEtc
	case "usr":
		*t |= sawUsr
	}
}

func (t rootTree) refuse() error {
	if t&(t-1) != 0 { // two of them
		return refuse("not an image archive but a root filesystem: use import")
	}
	return refuse("not an image archive: the tar has neither %s nor %s; for a root filesystem use import", dockerFile, indexFile)
}

// CheckTar returns r, uncompressed, if it is a tar: a root filesystem to
// import. The caller closes it.
func CheckTar(r io.Reader) (io.ReadCloser, error) {
	z, err := Decompress(r)
	if err != nil {
		return nil, unreadable(err)
	}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(z, head)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(unreadable(err), z.Close())
	}
	if head = head[:n]; !tarHead(head) {
		_ = z.Close()
		text := strings.TrimPrefix(notTar(head).Error(), "not an image archive")
		text, _, _ = strings.Cut(text, ";")
		return nil, refuse("not a tar of a root filesystem%s", text)
	}
	return &checked{io.MultiReader(bytes.NewReader(head), z), z}, nil
}

type checked struct {
	io.Reader
	z io.ReadCloser
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = unreadable(err)
	}
	return n, err
}

func (c *checked) Close() error { return c.z.Close() }
