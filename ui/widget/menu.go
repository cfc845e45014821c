package widget

import (
	"gantry/engine"
	"gantry/ui/theme"
)

// MenuItem is one entry of a menu.
type MenuItem struct {
	ID    string
	Label string
	Note  string // at the right edge: a key, a remark
	Why   string // why it cannot be chosen now
}

// Menu is a list to choose one entry from.
type Menu struct {
	items       []MenuItem
	cursor, top int
}

// SetItems replaces the entries and selects the first.
func (m *Menu) SetItems(items []MenuItem) {
	for i := range items {
		items[i].Label = engine.Printable(items[i].Label)
		items[i].Note = engine.Printable(items[i].Note)
	}
	m.items, m.cursor, m.top = items, 0, 0
}

// Len is the number of entries.
func (m *Menu) Len() int { return len(m.items) }

// Selected returns the entry under the cursor.
func (m *Menu) Selected() (MenuItem, bool) {
	if m.cursor >= len(m.items) {
		return MenuItem{}, false
	}
	return m.items[m.cursor], true
}

// Move moves the cursor by n entries.
func (m *Menu) Move(n int) { m.cursor = max(0, min(m.cursor+n, len(m.items)-1)) }

// View draws up to height entries in width cells.
func (m *Menu) View(t *theme.Theme, width, height int) []string {
	m.top = max(min(m.top, m.cursor), m.cursor-height+1, 0)
	var lines []string
	for i := m.top; i < len(m.items) && len(lines) < height; i++ {
		item := m.items[i]
		if i == m.cursor {
			line := Between(t.Glyphs.Pointer+" "+item.Label, item.Note+" ", width, t.Glyphs.Ellipsis)
			lines = append(lines, t.Paint(theme.Selected, line))
			continue
		}
		role := theme.Plain
		if item.Why != "" {
			role = theme.Muted
		}
		lines = append(lines, Between("  "+t.Paint(role, item.Label), t.Paint(theme.Muted, item.Note+" "), width, t.Glyphs.Ellipsis))
	}
	return lines
}
