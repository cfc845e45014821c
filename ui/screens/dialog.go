package screens

import (
	"strings"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Dialog is a box over the screen that takes all keys until it is answered.
type Dialog interface {
	Scope() keymap.Scope
	// Keys are the actions of the scope that do something here.
	Keys() []keymap.Action
	// Key handles a key press; a paste comes by Paste.
	Key(msg tea.KeyPressMsg) (cmd tea.Cmd, done bool)
	Paste(msg tea.PasteMsg)
	// Draw returns the box for a screen of this size and where the cursor is
	// within it; x < 0 means nowhere.
	Draw(width, height int) (lines []string, x, y int)
}

// confirm asks one question that is answered with yes or no.
type confirm struct {
	env   *Env
	title string
	text  []string
	yes   func() tea.Cmd
}

// Confirm asks; yes is what happens then. Each text is a paragraph and may be
// foreign.
func Confirm(env *Env, title string, text []string, yes func() tea.Cmd) Dialog {
	return newConfirm(env, title, text, yes)
}

func newConfirm(env *Env, title string, text []string, yes func() tea.Cmd) *confirm {
	return &confirm{env, engine.Printable(title), text, yes}
}

// tell replaces the text: more has become known.
func (d *confirm) tell(text []string) { d.text = text }

func (d *confirm) Scope() keymap.Scope { return keymap.Confirm }

func (d *confirm) Keys() []keymap.Action {
	return []keymap.Action{keymap.Yes, keymap.No}
}

func (d *confirm) Paste(tea.PasteMsg) {}

func (d *confirm) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch b, _ := d.env.Keys.Lookup(keymap.Confirm, msg.String()); b.Action {
	case keymap.Yes:
		return d.yes(), true
	case keymap.No:
		return nil, true
	}
	return nil, false
}

func (d *confirm) Draw(width, height int) ([]string, int, int) {
	t, inner := d.env.Theme, boxWidth(width, 58)
	lines := append([]string{""}, paragraphs(d.text, inner)...)
	lines = limit(lines, height-6, t)
	yes, no := d.env.Keys.Binding(keymap.Yes), d.env.Keys.Binding(keymap.No)
	lines = append(lines, "", t.Paint(theme.Key, yes.Key())+" yes    "+t.Paint(theme.Key, no.Key())+" no")
	return widget.Box(t, d.title, lines, inner), -1, 0
}

func paragraphs(text []string, inner int) []string {
	var lines []string
	for _, p := range text {
		lines = append(lines, widget.WrapText(engine.Printable(p), inner)...)
	}
	return lines
}

// limit keeps a dialog's text from growing over its screen.
func limit(lines []string, n int, t *theme.Theme) []string {
	if n = max(1, n); len(lines) > n {
		lines = append(lines[:n-1:n-1], t.Paint(theme.Muted, t.Glyphs.Ellipsis))
	}
	return lines
}

func boxWidth(width, want int) int { return max(1, min(want, width-6)) }

// notice shows a text that is too long for a toast.
type notice struct {
	env   *Env
	title string
	text  []string
}

// Notice shows text until it is dismissed.
func Notice(env *Env, title string, text ...string) Dialog {
	return &notice{env, engine.Printable(title), text}
}

func (d *notice) Scope() keymap.Scope { return keymap.Confirm }

func (d *notice) Keys() []keymap.Action {
	return []keymap.Action{keymap.Yes}
}

func (d *notice) Paste(tea.PasteMsg) {}

func (d *notice) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	_, known := d.env.Keys.Lookup(keymap.Confirm, msg.String())
	return nil, known
}

func (d *notice) Draw(width, height int) ([]string, int, int) {
	t, inner := d.env.Theme, boxWidth(width, 68)
	lines := append([]string{""}, paragraphs(d.text, inner)...)
	lines = limit(lines, height-6, t)
	lines = append(lines, "", t.Paint(theme.Key, d.env.Keys.Binding(keymap.Yes).AllKeys())+" close")
	return widget.Box(t, d.title, lines, inner), -1, 0
}

// ask prompts for one line of text.
type ask struct {
	env         *Env
	title, hint string
	input       *widget.Input
	err         string
	accept      func(string) (tea.Cmd, error)
}

// Ask prompts for a line; accept may refuse it with a reason, and the prompt
// stays.
func Ask(env *Env, title, value, placeholder, hint string, accept func(string) (tea.Cmd, error)) Dialog {
	return &ask{env: env, title: title, hint: hint, input: widget.NewInput(value, placeholder), accept: accept}
}

func (d *ask) Scope() keymap.Scope { return keymap.Dialogs }

func (d *ask) Keys() []keymap.Action {
	return []keymap.Action{keymap.Accept, keymap.Cancel}
}

func (d *ask) Paste(msg tea.PasteMsg) { d.input.Update(msg) }

func (d *ask) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch b, _ := d.env.Keys.Lookup(keymap.Dialogs, msg.String()); b.Action {
	case keymap.Accept:
		cmd, err := d.accept(strings.TrimSpace(d.input.Value()))
		if err != nil {
			d.err = err.Error()
			return nil, false
		}
		return cmd, true
	case keymap.Cancel:
		return nil, true
	}
	if d.input.Update(msg) {
		d.err = ""
	}
	return nil, false
}

func (d *ask) Draw(width, _ int) ([]string, int, int) {
	t, inner := d.env.Theme, boxWidth(width, 60)
	mark := t.Paint(theme.Accent, t.Glyphs.Pointer) + " "
	lines := []string{"", mark + d.input.View(t, inner-2), ""}
	if d.err != "" {
		for _, part := range paragraphs([]string{d.err}, inner) {
			lines = append(lines, t.Paint(theme.Danger, part))
		}
	} else {
		lines = append(lines, t.Paint(theme.Muted, ansi.Truncate(d.hint, inner, t.Glyphs.Ellipsis)))
	}
	return widget.Box(t, d.title, lines, inner), 4 + d.input.CursorX(), 2
}

// choose is a menu in a box.
type choose struct {
	env   *Env
	title string
	menu  widget.Menu
	pick  func(id string) tea.Cmd
}

// Choose offers items.
func Choose(env *Env, title string, items []widget.MenuItem, pick func(id string) tea.Cmd) Dialog {
	d := &choose{env: env, title: engine.Printable(title), pick: pick}
	d.menu.SetItems(items)
	return d
}

func (d *choose) Scope() keymap.Scope { return keymap.Dialogs }

func (d *choose) Keys() []keymap.Action {
	return []keymap.Action{keymap.Accept, keymap.NextField, keymap.Cancel}
}

func (d *choose) Paste(tea.PasteMsg) {}

func (d *choose) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	b, _ := d.env.Keys.Lookup(keymap.Dialogs, msg.String())
	if b.Action == "" { // letters are free here: let the list keys work too
		b, _ = d.env.Keys.Lookup(keymap.Everywhere, msg.String())
	}
	switch b.Action {
	case keymap.Accept:
		if item, ok := d.menu.Selected(); ok {
			return d.pick(item.ID), true
		}
		return nil, true
	case keymap.Cancel, keymap.Quit:
		return nil, true
	case keymap.NextField, keymap.Down:
		d.menu.Move(1)
	case keymap.PrevField, keymap.Up:
		d.menu.Move(-1)
	case keymap.PageDown, keymap.Bottom:
		d.menu.Move(d.menu.Len())
	case keymap.PageUp, keymap.Top:
		d.menu.Move(-d.menu.Len())
	}
	return nil, false
}

func (d *choose) Draw(width, height int) ([]string, int, int) {
	t, inner := d.env.Theme, boxWidth(width, 56)
	return widget.Box(t, d.title, d.menu.View(t, inner, max(1, height-6)), inner), -1, 0
}
