package viewer

import (
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"gantry/ui/theme"
	"gantry/ui/widget"
)

// mostShown is how many libraries, sections or notes of a file are listed.
const mostShown = 200

// mostRead is how much of a file is read for it: tables that claim to be larger
// are left out.
const mostRead = 32 << 20

// frugal reads no more than so many bytes in all.
type frugal struct {
	r    io.ReaderAt
	left int
}

func (f *frugal) ReadAt(p []byte, offset int64) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return f.r.ReadAt(p, offset)
}

// elfPage shows what an ELF file says of itself.
func elfPage(f File) (Page, error) {
	e, err := elf.NewFile(&frugal{r: f.ReaderAt, left: mostRead})
	if err != nil {
		return Page{}, err
	}
	p := Page{Kind: ELF, Note: "elf", Next: Place{Offset: f.Size}}
	p.add(widget.Heading("ELF file"))
	p.field("class", strings.TrimPrefix(e.Class.String(), "ELFCLASS")+" bit, "+byteOrder(e))
	p.field("machine", strings.TrimPrefix(e.Machine.String(), "EM_"))
	p.field("type", elfType(e))
	p.field("system", strings.TrimPrefix(e.OSABI.String(), "ELFOSABI_"))
	p.field("entry", fmt.Sprintf("%#x", e.Entry))
	p.field("interpreter", interpreter(e))
	p.field("build id", buildID(e))
	p.field("symbols", symbols(e))
	p.libraries(e)
	p.add(nil)
	p.add(widget.Heading("Sections"))
	for i, s := range e.Sections {
		if i > mostShown {
			break
		}
		p.add(widget.TextLine{
			{Text: fmt.Sprintf("  %2d  ", i), Role: theme.Muted}, {Text: widget.Fit(clean(s.Name), 24, "~")},
			{Text: widget.FitRight(widget.Size(int64(min(s.Size, 1<<62))), 9, "") + "  "},
			{Text: strings.TrimPrefix(s.Type.String(), "SHT_"), Role: theme.Muted},
		})
	}
	return p, nil
}

func (p *Page) add(l widget.TextLine) { p.Lines = append(p.Lines, l) }

func (p *Page) field(name, value string) {
	if value != "" {
		p.add(widget.Field(name, clean(value)))
	}
}

func (p *Page) libraries(e *elf.File) {
	libraries, _ := e.ImportedLibraries() // a static file has none, a broken one shows none
	for i, name := range libraries {
		if i > mostShown {
			return
		}
		label := ""
		if i == 0 {
			label = "needs"
		}
		p.field(label, name)
	}
}

func byteOrder(e *elf.File) string {
	if e.Data == elf.ELFDATA2MSB {
		return "big endian"
	}
	return "little endian"
}

func elfType(e *elf.File) string {
	switch {
	case e.Type == elf.ET_EXEC:
		return "program at fixed addresses"
	case e.Type == elf.ET_DYN && interpreter(e) != "":
		return "program, position independent"
	case e.Type == elf.ET_DYN:
		return "shared library or static program, position independent"
	default:
		return strings.TrimPrefix(e.Type.String(), "ET_")
	}
}

func interpreter(e *elf.File) string {
	for _, prog := range e.Progs {
		if prog.Type == elf.PT_INTERP && prog.Filesz < 4096 {
			buf := make([]byte, prog.Filesz)
			if _, err := prog.ReadAt(buf, 0); err == nil {
				return strings.TrimRight(string(buf), "\x00")
			}
		}
	}
	return ""
}

// buildID is the note the linker left, which follows a head of 16 bytes.
func buildID(e *elf.File) string {
	s := e.Section(".note.gnu.build-id")
	if s == nil || s.Size <= 16 || s.Size > 256 {
		return ""
	}
	buf := make([]byte, s.Size)
	if _, err := s.ReadAt(buf, 0); err != nil {
		return ""
	}
	return hex.EncodeToString(buf[16:])
}

func symbols(e *elf.File) string {
	if e.Section(".symtab") == nil {
		return "stripped"
	}
	return "not stripped"
}
