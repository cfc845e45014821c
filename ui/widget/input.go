package widget

import (
	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"gantry/ui/theme"
)

// Input is one line of text being edited, with the terminal's real cursor.
type Input struct{ model textinput.Model }

// NewInput returns a focused input that holds value.
func NewInput(value, placeholder string) *Input {
	m := textinput.New()
	m.Prompt = ""
	m.Placeholder = placeholder
	m.CharLimit = 4096
	m.SetVirtualCursor(false)
	// Its paste key runs a clipboard program on this machine, which is the
	// wrong one over SSH; terminals paste by themselves.
	m.KeyMap.Paste = key.NewBinding()
	m.SetStyles(textinput.Styles{})
	m.Focus()
	m.SetValue(value)
	m.CursorEnd()
	return &Input{m}
}

// Update edits the text by a key or paste and reports whether it changed.
func (i *Input) Update(msg tea.Msg) (changed bool) {
	before := i.model.Value()
	i.model, _ = i.model.Update(msg)
	return i.model.Value() != before
}

// Value is the text.
func (i *Input) Value() string { return i.model.Value() }

// Set replaces the text.
func (i *Input) Set(value string) {
	i.model.SetValue(value)
	i.model.CursorEnd()
}

// View draws the input width cells wide.
func (i *Input) View(t *theme.Theme, width int) string {
	if width < 2 {
		return ""
	}
	if i.model.Width() != width-1 {
		i.model.SetWidth(width - 1)
		i.model.SetCursor(i.model.Position()) // scrolls the text under the new width
	}
	if i.model.Value() == "" {
		return Fit(t.Paint(theme.Muted, i.model.Placeholder), width, t.Glyphs.Ellipsis)
	}
	return Fit(i.model.View(), width, "")
}

// CursorX is the cursor's column within the drawn input.
func (i *Input) CursorX() int {
	if c := i.model.Cursor(); c != nil {
		return c.X
	}
	return 0
}
