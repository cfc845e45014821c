package viewer

import (
	"fmt"
	"strings"

	"gantry/ui/theme"
	"gantry/ui/widget"
)

// bytesAtOnce is how much of a file one window of bytes shows, and bytesInLine
// how much of it one line.
const (
	bytesAtOnce = 64 << 10
	bytesInLine = 16
)

// bytesPage shows the window at from as hexadecimal numbers and letters.
func bytesPage(f File, from Place) (Page, error) {
	data, err := read(f, from.Offset, bytesAtOnce)
	if err != nil {
		return Page{}, err
	}
	p := Page{Kind: Bytes, Note: "hex", From: from, Next: Place{from.Offset + int64(len(data)), from.Line}}
	for at := 0; at < len(data); at += bytesInLine {
		p.Lines = append(p.Lines, hexLine(from.Offset+int64(at), data[at:min(len(data), at+bytesInLine)]))
		p.Next.Line++
	}
	return p, nil
}

func hexLine(offset int64, data []byte) widget.TextLine {
	var hex, letters strings.Builder
	for i := range bytesInLine {
		if i == bytesInLine/2 {
			hex.WriteByte(' ')
		}
		if i >= len(data) {
			hex.WriteString("   ")
			continue
		}
		fmt.Fprintf(&hex, "%02x ", data[i])
		if c := data[i]; c >= 0x20 && c < 0x7f {
			letters.WriteByte(c)
		} else {
			letters.WriteByte('.')
		}
	}
	return widget.TextLine{
		{Text: fmt.Sprintf("%08x  ", offset), Role: theme.Muted},
		{Text: hex.String() + " "},
		{Text: letters.String(), Role: theme.Literal},
	}
}
