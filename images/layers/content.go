package layers

import (
	"context"
	"errors"
	"io"
)

// Content is one version of a file, read from where the image lies.
type Content struct {
	io.ReadCloser
	Version Version
}

// Form is what the bytes of a file look like.
type Form string

// Forms of content.
const (
	FormEmpty   Form = "empty"
	FormText    Form = "text"
	FormJSON    Form = "json"
	FormELF     Form = "elf"
	FormArchive Form = "archive" // tar or zip, compressed or not
	FormBinary  Form = "binary"  // shown as hex
)

// Preview is the head of a file made ready to read.
type Preview struct {
	Form  Form
	Size  int64
	Lines []string // printable: text as it is, JSON indented, a summary, a listing or hex
	// Cut says that the file goes on behind what Lines show.
	Cut     bool
	Version Version
}

// GrepOptions say what to search for in files' content.
type GrepOptions struct {
	Pattern  Pattern // Substring or Regexp
	From, To int     // layers
	Paths    Pattern // only in these files
	MaxSize  int64   // of a file; 0: 64 MiB
	Live     bool    // only what the finished image has
}

// GrepHit is a line that matches.
type GrepHit struct {
	Layer  int    `json:"layer"`
	Path   string `json:"path"`
	Line   int    `json:"line"` // from 1; 0 in a binary file
	Offset int64  `json:"offset"`
	Text   string `json:"text"` // printable, at most 400 bytes
}

var errPending = errors.New("not yet")

// Open reads the version of path that layer has. The caller closes it.
func (x *Index) Open(ctx context.Context, layer int, path string) (*Content, error) {
	return nil, errPending
}

// Preview reads at most limit bytes of the version of path that layer has and
// makes them ready to read.
func (x *Index) Preview(ctx context.Context, layer int, path string, limit int64) (Preview, error) {
	return Preview{}, errPending
}

// Grep calls found for each line that matches, layer by layer, until all is
// read, found returns false, or ctx ends.
func (x *Index) Grep(ctx context.Context, o GrepOptions, found func(GrepHit) bool) error {
	return errPending
}

// Extract writes path as it is after layer to the host path dst: a file to a
// file, a directory with all in it to a new directory. dst must not exist.
func (x *Index) Extract(ctx context.Context, layer int, path, dst string) error { return errPending }

// WriteTar writes path as it is after layer, with all in it, as a tar.
func (x *Index) WriteTar(ctx context.Context, layer int, path string, w io.Writer) error {
	return errPending
}

// WriteLayer writes one layer's tar as the image has it, uncompressed.
func (x *Index) WriteLayer(ctx context.Context, layer int, w io.Writer) error { return errPending }

// ExtractLayer is WriteLayer into a new file.
func (x *Index) ExtractLayer(ctx context.Context, layer int, dst string) error { return errPending }
