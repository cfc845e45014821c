package widget

import (
	"strings"

	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// FormField is one line of a form: text, a switch, or one of some choices.
type FormField struct {
	Name    string // what the program calls it
	Label   string
	Input   *Input   // a text field has one
	Choices []string // a choice has some
	Choice  int
	On      bool // of a switch
	Note    string
	Err     string // what is wrong with it, set by Fail
}

// Value is the field's text or chosen value.
func (f *FormField) Value() string {
	switch {
	case f.Input != nil:
		return f.Input.Value()
	case len(f.Choices) > 0:
		return f.Choices[f.Choice]
	default:
		return ""
	}
}

// Form is a list of fields of which one has the focus.
type Form struct {
	Fields []*FormField
	focus  int
}

// Field returns the field called name.
func (f *Form) Field(name string) *FormField {
	for _, field := range f.Fields {
		if field.Name == name {
			return field
		}
	}
	return &FormField{}
}

// Focused is the field with the focus.
func (f *Form) Focused() *FormField { return f.Fields[f.focus] }

// Next moves the focus by n fields, around the ends.
func (f *Form) Next(n int) { f.focus = (f.focus + n + len(f.Fields)) % len(f.Fields) }

// Toggle switches the focused field, or takes its next choice. It reports
// false for a text field.
func (f *Form) Toggle() bool {
	field := f.Focused()
	switch {
	case field.Input != nil:
		return false
	case len(field.Choices) > 0:
		field.Choice = (field.Choice + 1) % len(field.Choices)
	default:
		field.On = !field.On
	}
	return true
}

// Update gives a key or paste to the focused text field.
func (f *Form) Update(msg tea.Msg) {
	if field := f.Focused(); field.Input != nil && field.Input.Update(msg) {
		field.Err = ""
	}
}

// Fail shows err at the field called name and moves the focus there.
func (f *Form) Fail(name, err string) {
	for i, field := range f.Fields {
		field.Err = ""
		if field.Name == name {
			field.Err, f.focus = err, i
		}
	}
}

// View draws the form in width cells and says where the cursor is; x < 0 means
// nowhere.
func (f *Form) View(t *theme.Theme, width int) (lines []string, x, y int) {
	labels := 0
	for _, field := range f.Fields {
		labels = max(labels, ansi.StringWidth(field.Label))
	}
	x = -1
	for i, field := range f.Fields {
		focused := i == f.focus
		label := Fit(field.Label, labels, "")
		if focused {
			label = t.Paint(theme.Accent, t.Glyphs.Pointer+" "+label)
		} else {
			label = "  " + label
		}
		if focused && field.Input != nil {
			x, y = labels+4, len(lines)
		}
		lines = append(lines, label+"  "+field.view(t, max(2, width-labels-4), focused))
		if x >= 0 && focused && field.Input != nil {
			x += field.Input.CursorX()
		}
		if field.Err != "" {
			for _, part := range WrapText(field.Err, max(10, width-labels-6)) {
				lines = append(lines, strings.Repeat(" ", labels+4)+t.Paint(theme.Danger, part))
			}
		}
	}
	return lines, x, y
}

func (f *FormField) view(t *theme.Theme, width int, focused bool) string {
	switch {
	case f.Input != nil:
		return f.Input.View(t, width)
	case len(f.Choices) > 0:
		parts := make([]string, len(f.Choices))
		for i, choice := range f.Choices {
			dot, role := t.Glyphs.Off, theme.Muted
			if i == f.Choice {
				dot, role = t.Glyphs.On, theme.Plain
			}
			parts[i] = t.Paint(role, dot+" "+choice)
		}
		return strings.Join(parts, "   ")
	default:
		box := "[ ]"
		if f.On {
			box = "[x]"
		}
		return box + " " + t.Paint(theme.Muted, f.Note)
	}
}
