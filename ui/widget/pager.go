package widget

import (
	"strings"

	"gantry/engine"
	"gantry/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

// TextLine is one line of a Pager: cells side by side.
type TextLine []Cell

// Heading is a line that starts a section.
func Heading(text string) TextLine { return TextLine{{Text: text, Role: theme.Heading}} }

// Field is a line with a name in a column of its own and its value.
func Field(name, value string) TextLine {
	return TextLine{{Text: Fit("  "+name, 16, ""), Role: theme.Muted}, {Text: value}}
}

// Plain returns the line's text without styles.
func (l TextLine) Plain() string {
	var b strings.Builder
	for _, c := range l {
		b.WriteString(c.Text)
	}
	return b.String()
}

// Pager shows text that can be scrolled, wrapped and searched.
type Pager struct {
	lines         []TextLine
	rows          []TextLine // lines as broken for the width
	top           int
	width, height int
	wrap          bool
	match         string
	memo          string
}

// SetLines replaces the text, which may be foreign.
func (p *Pager) SetLines(lines []TextLine) {
	for _, l := range lines {
		for i := range l {
			l[i].Text = engine.Printable(l[i].Text)
		}
	}
	p.lines = lines
	p.flow()
}

// SetClean replaces the text by one that is known to be printable.
func (p *Pager) SetClean(lines []TextLine) {
	p.lines = lines
	p.flow()
}

// Go puts line n, from 0, at the top, or as near to it as there is text.
func (p *Pager) Go(n int) { p.scroll(n) }

// SetSize says how many cells the pager has.
func (p *Pager) SetSize(width, height int) {
	p.width, p.height = width, height
	p.flow()
}

// ToggleWrap switches between wrapping and cutting long lines.
func (p *Pager) ToggleWrap() {
	p.wrap = !p.wrap
	p.flow()
}

// Move scrolls by n lines, Page by n screenfuls.
func (p *Pager) Move(n int) { p.scroll(p.top + n) }

// Page scrolls by n screenfuls.
func (p *Pager) Page(n int) { p.scroll(p.top + n*max(1, p.height-1)) }

// Top scrolls to the first, Bottom to the last line.
func (p *Pager) Top() { p.scroll(0) }

// Bottom scrolls to the last line.
func (p *Pager) Bottom() { p.scroll(len(p.rows)) }

// AtBottom reports whether the last line is in view.
func (p *Pager) AtBottom() bool { return p.top >= len(p.rows)-p.height }

// Position says which part is in view: "12-31 of 80".
func (p *Pager) Position() (first, last, of int) {
	if len(p.rows) == 0 {
		return 0, 0, 0
	}
	return p.top + 1, min(len(p.rows), p.top+p.height), len(p.rows)
}

// Text is the whole text without styles.
func (p *Pager) Text() string {
	lines := make([]string, len(p.lines))
	for i, l := range p.lines {
		lines[i] = l.Plain()
	}
	return strings.Join(lines, "\n")
}

// Mark marks what matches and stays where it is.
func (p *Pager) Mark(match string) { p.match, p.memo = match, "" }

// Find marks what matches and shows the next match after the first line in
// view, or with back the one before it. It reports whether there is one.
func (p *Pager) Find(match string, back, fromHere bool) bool {
	p.match, p.memo = match, ""
	if match == "" {
		return false
	}
	step, i := 1, p.top
	if back {
		step = -1
	}
	if !fromHere {
		i += step
	}
	for range p.rows {
		i = (i + len(p.rows)) % len(p.rows)
		if ContainsFold(match, p.rows[i].Plain()) {
			p.scroll(i)
			return true
		}
		i += step
	}
	return false
}

func (p *Pager) scroll(top int) {
	p.top = max(0, min(top, len(p.rows)-p.height))
	p.memo = ""
}

func (p *Pager) flow() {
	p.rows = p.lines
	if p.wrap && p.width > 0 {
		p.rows = nil
		for _, l := range p.lines {
			p.rows = append(p.rows, wrapLine(l, p.width)...)
		}
	}
	p.scroll(p.top)
}

// wrapLine breaks a line of cells; a continuation is indented under the last
// cell, so that values stay in their column.
func wrapLine(l TextLine, width int) []TextLine {
	if len(l) == 0 || ansi.StringWidth(l.Plain()) <= width {
		return []TextLine{l}
	}
	last := l[len(l)-1]
	indent := ansi.StringWidth(l[:len(l)-1].Plain())
	if indent > width/2 {
		indent = 0
		last.Text = l.Plain()
		l = TextLine{last}
	}
	var out []TextLine
	for i, part := range WrapText(last.Text, width-indent) {
		row := TextLine{{Text: strings.Repeat(" ", indent)}, {Text: part, Role: last.Role}}
		if i == 0 {
			row = append(append(TextLine{}, l[:len(l)-1]...), Cell{Text: part, Role: last.Role})
		}
		out = append(out, row)
	}
	return out
}

// View draws the text in view.
func (p *Pager) View(t *theme.Theme) string {
	if p.memo != "" {
		return p.memo
	}
	var lines []string
	for i := p.top; i < len(p.rows) && len(lines) < p.height; i++ {
		lines = append(lines, p.paint(t, p.rows[i]))
	}
	p.memo = Lines(lines, p.width, max(0, p.height), t.Glyphs.Ellipsis)
	return p.memo
}

func (p *Pager) paint(t *theme.Theme, l TextLine) string {
	var b strings.Builder
	for _, c := range l {
		b.WriteString(Highlight(t, c.Role, c.Text, p.match))
	}
	return b.String()
}

// Highlight paints text in role and every occurrence of match, ignoring case,
// as a match.
func Highlight(t *theme.Theme, role theme.Role, text, match string) string {
	lower := strings.ToLower(text)
	match = strings.ToLower(match)
	if match == "" || len(lower) != len(text) || !strings.Contains(lower, match) {
		return t.Paint(role, text)
	}
	var b strings.Builder
	for {
		i := strings.Index(lower, match)
		if i < 0 {
			b.WriteString(t.Paint(role, text))
			return b.String()
		}
		end := i + len(match)
		b.WriteString(t.Paint(role, text[:i]) + t.Paint(theme.Match, text[i:end]))
		text, lower = text[end:], lower[end:]
	}
}
