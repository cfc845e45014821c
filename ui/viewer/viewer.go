// Package viewer turns the bytes of a file into lines a person can read: text
// with line numbers and light colours, indented JSON, the head of an ELF file,
// the list of an archive, or the bytes themselves. It reads a bounded window
// of the file however large that is, and cleans all it returns.
package viewer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"gantry/ui/widget"
)

// Window is how many bytes of a file are turned into lines at once.
const Window = 256 << 10

// sniffed is how much of a file decides what it is.
const sniffed = 8 << 10

// Kind is what a file is.
type Kind string

// The kinds of files.
const (
	Text    Kind = "text"
	JSON    Kind = "json"
	ELF     Kind = "elf"
	Archive Kind = "archive"
	Bytes   Kind = "bytes"
	Empty   Kind = "empty"
)

// File is what is looked at.
type File struct {
	Name string
	Size int64
	io.ReaderAt
}

// Place is where a window begins: a byte, and the number of the line there.
type Place struct {
	Offset int64
	Line   int
}

// Page is a window of a file as lines.
type Page struct {
	Kind  Kind
	Note  string // what kind exactly: "go", "gzip tar"
	Lines []widget.TextLine
	From  Place
	Next  Place // where the next window begins; Offset is Size at the end
}

// Sniff says what a file is.
func Sniff(f File) (Kind, error) {
	head, err := read(f, 0, sniffed)
	if err != nil {
		return "", err
	}
	switch {
	case len(head) == 0:
		return Empty, nil
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return ELF, nil
	case archiveOf(head, f.Name) != "":
		return Archive, nil
	case binary(head):
		return Bytes, nil
	case looksJSON(head, f):
		return JSON, nil
	default:
		return Text, nil
	}
}

// Render reads the window at from and returns it as lines of the given kind.
// JSON, ELF files and archives are one window; what they cannot be read as is
// shown as text or bytes.
func Render(ctx context.Context, f File, kind Kind, from Place) (Page, error) {
	switch kind {
	case Empty:
		return Page{Kind: Empty, Next: Place{Offset: f.Size}}, nil
	case JSON:
		if p, err := jsonPage(f); err == nil {
			return p, nil
		}
		return textPage(f, from)
	case ELF:
		if p, err := elfPage(f); err == nil {
			return p, nil
		}
		return bytesPage(f, from)
	case Archive:
		p, err := archivePage(ctx, f)
		if err == nil || ctx.Err() != nil {
			return p, ctx.Err()
		}
		return bytesPage(f, from)
	case Bytes:
		return bytesPage(f, from)
	default:
		return textPage(f, from)
	}
}

// read reads up to n bytes at offset; less at the end of the file.
func read(f File, offset int64, n int) ([]byte, error) {
	buf := make([]byte, max(0, min(int64(n), f.Size-offset)))
	got, err := f.ReadAt(buf, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf[:got], err
}

// binary reports whether text editors would refuse head.
func binary(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return true
	}
	strange := 0
	for i := 0; i < len(head); {
		r, size := utf8.DecodeRune(head[i:])
		if cut := len(head)-i < utf8.UTFMax && len(head) == sniffed; r == utf8.RuneError && size == 1 && !cut {
			strange++
		} else if r < 0x20 && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1b {
			strange++
		}
		i += size
	}
	return strange*10 > len(head)
}
