package screens

import (
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// helpBox shows the keys that hold on a screen, written from the keymap.
type helpBox struct {
	env    *Env
	scope  keymap.Scope
	pager  widget.Pager
	narrow bool
}

// Help returns the help of scope.
func Help(env *Env, scope keymap.Scope) Dialog { return &helpBox{env: env, scope: scope} }

func (d *helpBox) Scope() keymap.Scope { return keymap.Dialogs }

func (d *helpBox) Keys() []keymap.Action {
	return []keymap.Action{keymap.Cancel}
}

func (d *helpBox) Paste(tea.PasteMsg) {}

func (d *helpBox) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	b, _ := d.env.Keys.Lookup(keymap.Everywhere, msg.String())
	switch b.Action {
	case keymap.Up:
		d.pager.Move(-1)
	case keymap.Down:
		d.pager.Move(1)
	case keymap.PageUp:
		d.pager.Page(-1)
	case keymap.PageDown:
		d.pager.Page(1)
	case keymap.Top:
		d.pager.Top()
	case keymap.Bottom:
		d.pager.Bottom()
	default:
		return nil, true
	}
	return nil, false
}

// sections are the groups of help, the screen's own first.
func (d *helpBox) sections() (own, everywhere []widget.TextLine) {
	inner := d.scope.Enclosing()
	for i, scope := range inner {
		lines := []widget.TextLine{widget.Heading(scope.Heading())}
		for _, b := range d.env.Keys.Of(scope) {
			if len(b.Keys) == 0 {
				continue
			}
			lines = append(lines, widget.TextLine{
				{Text: widget.Fit(" "+b.AllKeys(), 15, ""), Role: theme.Key}, {Text: " " + b.Help},
			})
		}
		if i == len(inner)-1 {
			everywhere = lines
			continue
		}
		if len(own) > 0 {
			own = append(own, nil)
		}
		own = append(own, lines...)
	}
	return own, everywhere
}

func (d *helpBox) Draw(width, height int) ([]string, int, int) {
	own, everywhere := d.sections()
	const column = 66
	inner := boxWidth(width, 2*column+2)
	lines := append(append(own, nil), everywhere...)
	if inner >= 2*column {
		lines = sideBySide(own, everywhere, column)
	} else {
		inner = boxWidth(width, 70)
	}
	room := max(1, min(len(lines), height-6))
	d.pager.SetSize(inner, room)
	d.pager.SetLines(lines)
	body := widgetLines(d.pager.View(d.env.Theme))
	foot := "any key closes"
	if len(lines) > room {
		foot = d.env.Keys.Binding(keymap.Down).AllKeys() + " scrolls, any other key closes"
	}
	body = append(body, "", d.env.Theme.Paint(theme.Muted, foot))
	return widget.Box(d.env.Theme, "keys", body, inner), -1, 0
}

// sideBySide puts two lists of lines into two columns.
func sideBySide(a, b []widget.TextLine, column int) []widget.TextLine {
	var out []widget.TextLine
	for i := range max(len(a), len(b)) {
		var line widget.TextLine
		if i < len(a) {
			line = append(line, a[i]...)
		}
		if i < len(b) {
			fill := column - ansi.StringWidth(line.Plain())
			line = append(line, widget.Cell{Text: widget.Fit("", max(1, fill), "")})
			line = append(line, b[i]...)
		}
		out = append(out, line)
	}
	return out
}
