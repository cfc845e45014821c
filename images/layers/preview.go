package layers

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gantry/internal/termsafe"
)

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

const (
	previewDefault = 1 << 20
	previewHex     = 64 << 10
	previewNames   = 5000
	previewZip     = 32 << 20
	previewListing = 256 << 20 // of an archive's content, read to list it
)

// Preview reads at most limit bytes, 0 for 1 MiB, of path as it is after layer
// and makes them ready to read.
func (x *Index) Preview(ctx context.Context, layer int, path string, limit int64) (Preview, error) {
	if limit <= 0 {
		limit = previewDefault
	}
	f, err := x.Open(ctx, layer, path)
	if err != nil {
		return Preview{}, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return Preview{}, fmt.Errorf("reading %s: %w", termsafe.Line(path), err)
	}
	p := Preview{Size: f.Version.Size, Version: f.Version, Cut: int64(len(head)) < f.Version.Size}
	p.classify(head, io.MultiReader(bytes.NewReader(head), &cancellable{ctx, f}))
	return p, nil
}

// classify decides what head is; all is the whole file.
func (p *Preview) classify(head []byte, all io.Reader) {
	switch {
	case len(head) == 0:
		p.Form = FormEmpty
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		p.Form = FormELF
		p.Lines = append(elfHead(head), "")
		p.hex(head)
	case p.archive(head, all):
		p.Form = FormArchive
	case !text(head):
		p.Form = FormBinary
		p.hex(head)
	case !p.Cut && bytes.ContainsAny(first(head), "{[") && p.json(head):
		p.Form = FormJSON
	default:
		p.Form = FormText
		p.Lines = lines(head)
	}
}

// first is the first byte that is not white space.
func first(b []byte) []byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	return b[:min(1, len(b))]
}

// lines splits text into printable lines.
func lines(b []byte) []string {
	return strings.Split(termsafe.Text(strings.TrimSuffix(string(b), "\n")), "\n")
}

// text reports whether the bytes are text, perhaps cut within a character.
func text(b []byte) bool {
	if bytes.IndexByte(b, 0) >= 0 {
		return false
	}
	for i := 0; i < utf8.UTFMax && len(b) > i; i++ {
		if utf8.Valid(b[:len(b)-i]) {
			return true
		}
	}
	odd := 0 // other encodings than UTF-8 still have few control characters
	sample := b[:min(len(b), 4096)]
	for _, c := range sample {
		if c < 0x20 && strings.IndexByte("\t\n\r\f\x1b", c) < 0 {
			odd++
		}
	}
	return odd == 0
}

func (p *Preview) json(b []byte) bool {
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil {
		return false
	}
	p.Lines = lines(out.Bytes())
	return true
}

func (p *Preview) hex(b []byte) {
	if len(b) > previewHex {
		b, p.Cut = b[:previewHex], true
	}
	p.Lines = append(p.Lines, strings.Split(strings.TrimSuffix(hex.Dump(b), "\n"), "\n")...)
}

// elfHead says what the header and the program headers of an ELF file do.
func elfHead(b []byte) []string {
	if len(b) < 64 {
		return []string{"ELF, cut short"}
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(b[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	wide := elf.Class(b[elf.EI_CLASS]) == elf.ELFCLASS64
	word := func(at, wideAt int) uint64 {
		if wide {
			return order.Uint64(b[wideAt:])
		}
		return uint64(order.Uint32(b[at:]))
	}
	half := func(at, wideAt int) int {
		if wide {
			at = wideAt
		}
		return int(order.Uint16(b[at:]))
	}
	out := []string{
		"class      " + elf.Class(b[elf.EI_CLASS]).String(),
		"data       " + elf.Data(b[elf.EI_DATA]).String(),
		"type       " + elf.Type(order.Uint16(b[16:])).String(),
		"machine    " + elf.Machine(order.Uint16(b[18:])).String(),
		fmt.Sprintf("entry      %#x", word(24, 24)),
	}
	interp := "none: linked statically"
	at, size, count := word(28, 32), half(42, 54), half(44, 56)
	for i := range min(count, 64) {
		ph := at + uint64(i*size)
		if size < 32 || ph > uint64(len(b)) || ph+uint64(size) > uint64(len(b)) {
			break
		}
		if elf.ProgType(order.Uint32(b[ph:])) != elf.PT_INTERP || wide && size < 56 {
			continue
		}
		off, n := uint64(order.Uint32(b[ph+4:])), uint64(order.Uint32(b[ph+16:]))
		if wide {
			off, n = order.Uint64(b[ph+8:]), order.Uint64(b[ph+32:])
		}
		if off < uint64(len(b)) && n < 4096 && off+n <= uint64(len(b)) {
			interp = termsafe.Line(strings.TrimRight(string(b[off:off+n]), "\x00"))
		}
	}
	return append(out, "interpreter "+interp)
}

// archive lists what an archive holds, if the file is one.
func (p *Preview) archive(head []byte, all io.Reader) bool {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) && p.Size <= previewZip {
		return p.zip(all)
	}
	if !isTar(head) && !compressed(head) {
		return false
	}
	r, err := decompress(io.LimitReader(all, previewListing))
	if err != nil {
		return false
	}
	defer r.Close()
	t := tar.NewReader(io.LimitReader(r, previewListing))
	var out []string
	for len(out) < previewNames {
		hdr, err := t.Next()
		if err == io.EOF {
			p.Cut = false
			break
		}
		if hdr == nil || len(out) == 0 && err != nil {
			p.Cut = true
			break
		}
		line := fmt.Sprintf("%s %d/%d %10d %s", hdr.FileInfo().Mode(), hdr.Uid, hdr.Gid, hdr.Size, termsafe.Line(hdr.Name))
		if hdr.Linkname != "" {
			line += " -> " + termsafe.Line(hdr.Linkname)
		}
		out = append(out, line)
	}
	p.Lines = out
	return len(out) > 0
}

func isTar(b []byte) bool { return len(b) > 262 && string(b[257:262]) == "ustar" }

func compressed(b []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd7zXZ\x00", "BZh"} {
		if bytes.HasPrefix(b, []byte(magic)) {
			return true
		}
	}
	return false
}

func (p *Preview) zip(all io.Reader) bool {
	data, err := io.ReadAll(io.LimitReader(all, previewZip))
	if err != nil {
		return false
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if z == nil || err != nil && len(z.File) == 0 {
		return false
	}
	p.Cut = len(z.File) > previewNames
	for _, f := range z.File[:min(len(z.File), previewNames)] {
		p.Lines = append(p.Lines, fmt.Sprintf("%s %10d %s", f.Mode(), f.UncompressedSize64, termsafe.Line(f.Name)))
	}
	return true
}
