package widget

import (
	"strings"

	"gantry/ui/theme"
	"github.com/charmbracelet/x/ansi"
)

// Box draws a frame with a title around lines, inner cells wide inside and one
// space of air at each side.
func Box(t *theme.Theme, title string, lines []string, inner int) []string {
	g := t.Glyphs
	side := t.Paint(theme.Rule, g.Side)
	head := ""
	if title != "" {
		head = " " + ansi.Truncate(title, max(0, inner-2), g.Ellipsis) + " "
	}
	rest := max(0, inner+1-ansi.StringWidth(head))
	out := []string{t.Paint(theme.Rule, g.TopLeft+g.Rule) + t.Paint(theme.Title, head) +
		t.Paint(theme.Rule, strings.Repeat(g.Rule, rest)+g.TopRight)}
	for _, line := range lines {
		out = append(out, side+" "+Fit(line, inner, g.Ellipsis)+" "+side)
	}
	return append(out, t.Paint(theme.Rule, g.BottomLeft+strings.Repeat(g.Rule, inner+2)+g.BottomEnd))
}

// Overlay lays the lines of top over base at column x and row y. What does not
// fit on base is left out.
func Overlay(base, top []string, x, y int) []string {
	out := append([]string(nil), base...)
	for i, line := range top {
		row := y + i
		if row < 0 || row >= len(out) {
			continue
		}
		width := ansi.StringWidth(line)
		left := Fit(ansi.Truncate(out[row], x, ""), x, "")
		out[row] = left + line + ansi.TruncateLeft(out[row], x+width, "")
	}
	return out
}

// WrapText breaks plain text at spaces into lines of at most width cells.
func WrapText(s string, width int) []string {
	if width < 1 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, width, ""), "\n")
}
