package viewer

import (
	"bytes"
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"
)

// longest is how many bytes of a line are shown in one; the rest follows in
// lines without a number.
const longest = 2000

// numberWidth is the room for line numbers, the space behind them included.
const numberWidth = 7

// textPage shows the window at from as numbered lines. A window ends with a
// line, unless one line is longer than a window.
func textPage(f File, from Place) (Page, error) {
	data, err := read(f, from.Offset, Window)
	if err != nil {
		return Page{}, err
	}
	if from.Offset+int64(len(data)) < f.Size {
		if i := bytes.LastIndexByte(data, '\n'); i >= 0 {
			data = data[:i+1]
		}
	}
	lang := languageOf(f.Name, data)
	p := Page{Kind: Text, Note: lang.name, From: from, Next: Place{from.Offset + int64(len(data)), from.Line}}
	state := inCode
	for line := range bytes.Lines(data) {
		ended := bytes.HasSuffix(line, []byte("\n"))
		p.Lines = appendLine(p.Lines, string(bytes.TrimRight(line, "\r\n")), p.Next.Line+1, lang, &state)
		if ended {
			p.Next.Line++
		}
	}
	return p, nil
}

// appendLine adds one line of a file, broken where it is too long.
func appendLine(lines []widget.TextLine, text string, number int, lang language, state *lexState) []widget.TextLine {
	label := fmt.Sprintf("%*d ", numberWidth-1, number)
	for {
		part := cut(text, longest)
		text = text[len(part):]
		line := widget.TextLine{{Text: label, Role: theme.Muted}}
		lines = append(lines, append(line, lang.colour(clean(part), state)...))
		if text == "" {
			return lines
		}
		label = strings.Repeat(" ", numberWidth)
	}
}

// cut returns at most n bytes of s without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-4; i-- {
		if s[i]&0xc0 != 0x80 {
			return s[:i]
		}
	}
	return s[:n]
}

// clean expands tabs and makes the rest printable.
func clean(s string) string {
	const tab = 4
	if strings.IndexByte(s, '\t') >= 0 {
		var b strings.Builder
		column := 0
		for _, r := range s {
			if r != '\t' {
				b.WriteRune(r)
				column++
				continue
			}
			n := tab - column%tab
			b.WriteString(strings.Repeat(" ", n))
			column += n
		}
		s = b.String()
	}
	return engine.Printable(s)
}
