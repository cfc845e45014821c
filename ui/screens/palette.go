package screens

import (
	"slices"
	"strings"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
	"github.com/sahilm/fuzzy"
)

// Command is one command of the headless grammar, for the palette to list.
type Command struct{ Name, Help string }

// PaletteActions is what the palette can do.
type PaletteActions struct {
	Screen   Screen
	Commands []Command
	Do       func(keymap.Action) tea.Cmd
	Run      func(line string) tea.Cmd
}

// palette finds an action by name, or runs a line of the headless grammar.
type palette struct {
	env     *Env
	can     PaletteActions
	input   *widget.Input
	menu    widget.Menu
	entries []widget.MenuItem // all of them; IDs tell actions from commands
}

const (
	actionPrefix  = "action "
	commandPrefix = "command "
	runPrefix     = "run "
)

// Palette returns the palette over a screen.
func Palette(env *Env, can PaletteActions) Dialog {
	d := &palette{env: env, can: can, input: widget.NewInput("", "an action, or a command such as: pull debian")}
	for _, b := range env.Keys.In(can.Screen.Scope()) {
		if b.Action == keymap.Palette {
			continue
		}
		d.entries = append(d.entries, widget.MenuItem{
			ID:    actionPrefix + string(b.Action),
			Label: widget.Fit(string(b.Action), 15, "") + " " + b.Help,
			Note:  b.Key(), Why: can.Screen.Why(b.Action),
		})
	}
	for _, c := range can.Commands {
		d.entries = append(d.entries, widget.MenuItem{ID: commandPrefix + c.Name, Label: c.Name, Note: c.Help})
	}
	d.narrow()
	return d
}

func (d *palette) Scope() keymap.Scope { return keymap.Dialogs }

func (d *palette) Keys() []keymap.Action {
	return []keymap.Action{keymap.Accept, keymap.NextField, keymap.Cancel}
}

func (d *palette) Paste(msg tea.PasteMsg) {
	if d.input.Update(msg) {
		d.narrow()
	}
}

func (d *palette) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch b, _ := d.env.Keys.Lookup(keymap.Dialogs, msg.String()); b.Action {
	case keymap.Accept:
		return d.accept()
	case keymap.Cancel:
		return nil, true
	case keymap.NextField:
		d.menu.Move(1)
		return nil, false
	case keymap.PrevField:
		d.menu.Move(-1)
		return nil, false
	}
	if d.input.Update(msg) {
		d.narrow()
	}
	return nil, false
}

// narrow lists what fits the typed text. A line that starts with a command's
// name can be run as it is, and comes first.
func (d *palette) narrow() {
	line := strings.TrimSpace(d.input.Value())
	if line == "" {
		d.menu.SetItems(append([]widget.MenuItem(nil), d.entries...))
		return
	}
	run := widget.MenuItem{ID: runPrefix + line, Label: "gantry " + line, Note: "run this"}
	var items []widget.MenuItem
	isCommand := d.command(line)
	if isCommand {
		items = append(items, run)
	}
	items = append(items, d.matching(line)...)
	if !isCommand {
		items = append(items, run)
	}
	d.menu.SetItems(items)
}

// matching lists the entries that fit line: those whose name starts with it or
// has it, then names that have its letters in order, then texts that have it.
func (d *palette) matching(line string) []widget.MenuItem {
	ranks := make([][]widget.MenuItem, 4)
	for _, e := range d.entries {
		_, name, _ := strings.Cut(e.ID, " ")
		lower := strings.ToLower(line)
		switch {
		case strings.HasPrefix(name, lower):
			ranks[0] = append(ranks[0], e)
		case strings.Contains(name, lower):
			ranks[1] = append(ranks[1], e)
		case len(fuzzy.Find(lower, []string{name})) > 0:
			ranks[2] = append(ranks[2], e)
		case widget.ContainsFold(lower, e.Label, e.Note):
			ranks[3] = append(ranks[3], e)
		}
	}
	return slices.Concat(ranks...)
}

// command reports whether line starts with the name of a command.
func (d *palette) command(line string) bool {
	first, _, _ := strings.Cut(line, " ")
	for _, c := range d.can.Commands {
		if c.Name == first {
			return true
		}
	}
	return false
}

func (d *palette) accept() (tea.Cmd, bool) {
	item, ok := d.menu.Selected()
	if !ok {
		return nil, true
	}
	if line, ok := strings.CutPrefix(item.ID, runPrefix); ok {
		return d.can.Run(line), true
	}
	if name, ok := strings.CutPrefix(item.ID, commandPrefix); ok {
		d.input.Set(name + " ") // most commands want arguments
		d.narrow()
		return nil, false
	}
	return d.can.Do(keymap.Action(strings.TrimPrefix(item.ID, actionPrefix))), true
}

func (d *palette) Draw(width, height int) ([]string, int, int) {
	t, inner := d.env.Theme, boxWidth(width, 76)
	room := max(1, min(len(d.entries)+1, height-8, 16))
	lines := []string{t.Paint(theme.Accent, ":") + " " + d.input.View(t, inner-2), t.HLine(inner)}
	list := d.menu.View(t, inner, room)
	for len(list) < room {
		list = append(list, "")
	}
	lines = append(lines, list...)
	if item, ok := d.menu.Selected(); ok && item.Why != "" {
		lines = append(lines, t.Paint(theme.Warning, engine.Printable("not now: "+item.Why)))
	} else {
		lines = append(lines, "")
	}
	return widget.Box(t, "commands", lines, inner), 4 + d.input.CursorX(), 1
}

func widgetLines(view string) []string { return strings.Split(view, "\n") }
