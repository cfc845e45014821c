package screens

import (
	"fmt"
	"strings"

	"gantry/keymap"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// list is what the images and containers screens share: a table with filter,
// sort and marks, read again when something changed.
type list struct {
	env     *Env
	table   widget.Table
	width   int
	height  int
	filter  string
	prompt  *Prompt
	sortBy  int // column
	reverse bool

	loaded  bool
	loading bool
	again   bool // changed while it was being read
	slow    bool
	err     error
	load    tea.Cmd
	rebuild func()
}

// reload reads the list, or notes that it must be read once more.
func (l *list) reload() tea.Cmd {
	if l.loading {
		l.again = true
		return nil
	}
	l.loading = true
	return l.load
}

// arrived notes that the list was read; the command reads it again if it
// changed meanwhile.
func (l *list) arrived(err error) tea.Cmd {
	l.loading, l.loaded, l.slow, l.err = false, true, false, err
	if l.again {
		l.again = false
		return l.reload()
	}
	return nil
}

func (l *list) SetSize(width, height int) {
	l.width, l.height = width, height
	l.table.SetSize(width, height)
}

// View draws the table, or why there is none.
func (l *list) View() string {
	if !l.loaded && !l.slow {
		return widget.Lines(nil, l.width, max(0, l.height), "")
	}
	return l.table.View(l.env.Theme)
}

// Prompt is the filter while it is being typed.
func (l *list) Prompt() *Prompt { return l.prompt }

// Status says where in the list we are.
func (l *list) Status() string {
	if !l.loaded || l.blank() && l.filter == "" {
		return ""
	}
	parts := []string{fmt.Sprintf("%d of %d", l.table.Position(), l.table.Len())}
	if n := len(l.table.Marked()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d marked", n))
	}
	if l.filter != "" {
		parts = append(parts, "filter: "+l.filter)
	}
	return strings.Join(parts, " "+l.env.Theme.Glyphs.Dot+" ")
}

// do carries out the actions every list has.
func (l *list) do(action keymap.Action) (tea.Cmd, bool) {
	switch action {
	case keymap.Up:
		l.table.Move(-1)
	case keymap.Down:
		l.table.Move(1)
	case keymap.PageUp:
		l.table.Page(-1)
	case keymap.PageDown:
		l.table.Page(1)
	case keymap.Top:
		l.table.Top()
	case keymap.Bottom:
		l.table.Bottom()
	case keymap.Mark:
		l.table.ToggleMark()
	case keymap.Filter:
		l.startFilter()
	case keymap.Sort:
		return l.env.Ask(l.sortMenu()), true
	case keymap.Refresh:
		return l.reload(), true
	case keymap.Back:
		if !l.table.ClearMarks() && l.filter != "" {
			l.setFilter("")
		}
	default:
		return nil, false
	}
	return nil, true
}

// blank reports whether there is nothing in the list at all.
func (l *list) blank() bool { return l.table.Len() == 0 }

// why says why an action every list has cannot be done now.
func (l *list) why(action keymap.Action) string {
	switch action {
	case keymap.Mark, keymap.Sort, keymap.Filter:
		if l.blank() && l.filter == "" {
			return "the list is empty"
		}
	}
	return ""
}

// Clearable reports whether going back would clear a filter or marks.
func (l *list) Clearable() bool { return l.filter != "" || len(l.table.Marked()) > 0 }

func (l *list) startFilter() {
	before := l.filter
	l.prompt = &Prompt{
		Label: "filter: ", Input: widget.NewInput(l.filter, ""), Live: true,
		Typed:  func(s string) tea.Cmd { l.setFilter(s); return nil },
		Accept: func(s string) tea.Cmd { l.prompt = nil; l.setFilter(s); return nil },
		Cancel: func() tea.Cmd { l.prompt = nil; l.setFilter(before); return nil },
	}
}

func (l *list) setFilter(s string) {
	l.filter = s
	l.rebuild()
}

func (l *list) sortMenu() Dialog {
	var items []widget.MenuItem
	for i, c := range l.table.Columns {
		note := ""
		if i == l.sortBy {
			note = "sorted; again to reverse"
		}
		items = append(items, widget.MenuItem{ID: fmt.Sprint(i), Label: strings.ToLower(c.Title), Note: note})
	}
	return Choose(l.env, "sort by", items, func(id string) tea.Cmd {
		var column int
		_, _ = fmt.Sscan(id, &column)
		l.reverse = column == l.sortBy && !l.reverse
		l.sortBy = column
		l.rebuild()
		return nil
	})
}

// empty chooses what an empty list says.
func (l *list) empty(nothing ...string) []string {
	switch {
	case l.err != nil:
		return []string{"cannot read the list: " + oneLine(l.err), "", l.env.Keys.Binding(keymap.Refresh).Key() + " tries again"}
	case !l.loaded:
		return []string{"reading" + l.env.Theme.Glyphs.Ellipsis}
	case l.filter != "":
		return []string{fmt.Sprintf("nothing matches %q", l.filter), "", l.env.Keys.Binding(keymap.Back).Key() + " clears the filter"}
	default:
		return nothing
	}
}
