// Package theme holds every style of the terminal, named by what it means and
// never by how it looks. It uses the terminal's own sixteen colours and the
// attributes faint, bold and reverse, so that it is right on light and dark
// backgrounds; without colour the attributes, glyphs and words still tell all.
package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Role is what a piece of text is.
type Role int

// The roles. Plain is the terminal's own foreground.
const (
	Plain Role = iota
	Muted
	Title
	Accent
	Header
	Rule
	Key
	Selected
	Success
	Warning
	Danger
	Match
	Heading
	Added
	Changed
	Removed
	Comment
	Literal
	Number
	Keyword
	count
)

// Theme paints roles. It is read-only once made.
type Theme struct {
	Glyphs Glyphs
	styles [count]style
}

// style is a lipgloss style reduced to what it writes before and after a text.
type style struct{ open, shut string }

// New returns the theme. Without colour every role keeps its attributes.
func New(colour bool, glyphs Glyphs) *Theme {
	base := lipgloss.NewStyle()
	accent, green, yellow, red := base, base, base, base
	if colour {
		accent = base.Foreground(lipgloss.Cyan)
		green = base.Foreground(lipgloss.Green)
		yellow = base.Foreground(lipgloss.Yellow)
		red = base.Foreground(lipgloss.Red)
	}
	roles := map[Role]lipgloss.Style{
		Muted:    base.Faint(true),
		Title:    accent.Bold(true),
		Accent:   accent,
		Header:   base.Faint(true),
		Rule:     base.Faint(true),
		Key:      accent.Bold(!colour),
		Selected: accent.Reverse(true),
		Success:  green,
		Warning:  yellow,
		Danger:   red.Bold(!colour),
		Match:    yellow.Reverse(true),
		Heading:  base.Bold(true),
		Added:    green,
		Changed:  yellow,
		Removed:  red,
		Comment:  base.Faint(true),
		Literal:  green,
		Number:   yellow,
		Keyword:  accent,
	}
	t := &Theme{Glyphs: glyphs}
	for role, s := range roles {
		open, shut, _ := strings.Cut(s.Render("x"), "x")
		t.styles[role] = style{open, shut}
	}
	return t
}

// Paint returns s in the style of role. Empty text stays empty, and text that
// is painted already must not be painted again.
func (t *Theme) Paint(role Role, s string) string {
	if s == "" || t.styles[role].open == "" {
		return s
	}
	return t.styles[role].open + s + t.styles[role].shut
}

// HLine is a thin rule of width cells.
func (t *Theme) HLine(width int) string {
	return t.Paint(Rule, strings.Repeat(t.Glyphs.Rule, max(0, width)))
}
