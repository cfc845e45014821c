package viewer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"gantry/ui/theme"
	"gantry/ui/widget"
)

// largestJSON is what is still indented; larger files are shown as text.
const largestJSON = 1 << 20

// looksJSON reports whether f may be JSON: by its name, or by how it begins.
func looksJSON(head []byte, f File) bool {
	if f.Size > largestJSON {
		return false
	}
	head = bytes.TrimSpace(head)
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return false
	}
	if path.Ext(f.Name) == ".json" {
		return true
	}
	data, err := read(f, 0, largestJSON)
	return err == nil && json.Valid(data)
}

// jsonPage shows the whole of f indented.
func jsonPage(f File) (Page, error) {
	if f.Size > largestJSON {
		return Page{}, fmt.Errorf("larger than %d bytes", largestJSON)
	}
	data, err := read(f, 0, largestJSON)
	if err != nil {
		return Page{}, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(data), "", "  "); err != nil {
		return Page{}, err
	}
	p := Page{Kind: JSON, Note: "json", Next: Place{Offset: f.Size}}
	for text := range strings.Lines(b.String()) {
		p.Next.Line++
		p.Lines = appendJSON(p.Lines, strings.TrimSuffix(text, "\n"), p.Next.Line)
	}
	return p, nil
}

// appendJSON adds one line of indented JSON: a name, a value, or a bracket.
func appendJSON(lines []widget.TextLine, text string, number int) []widget.TextLine {
	if len(text) > longest {
		state := inCode
		return appendLine(lines, text, number, language{}, &state)
	}
	line := cells{{Text: fmt.Sprintf("%*d ", numberWidth-1, number), Role: theme.Muted}}
	rest := strings.TrimLeft(text, " ")
	line.add(text[:len(text)-len(rest)], theme.Plain)
	if n := stringEnd(rest); n > 0 && strings.HasPrefix(rest[n:], ":") {
		line.add(clean(rest[:n]), theme.Keyword)
		line.add(": ", theme.Plain)
		rest = strings.TrimPrefix(rest[n+1:], " ")
	}
	value := strings.TrimSuffix(rest, ",")
	role := theme.Number
	switch {
	case value == "" || strings.ContainsAny(value[:1], "{}[]"):
		role = theme.Plain
	case value[0] == '"':
		role = theme.Literal
	}
	line.add(clean(value), role)
	line.add(rest[len(value):], theme.Plain)
	return append(lines, widget.TextLine(line))
}

// stringEnd is the length of the string that s begins with, or 0.
func stringEnd(s string) int {
	if !strings.HasPrefix(s, `"`) {
		return 0
	}
	return quoted(s)
}
