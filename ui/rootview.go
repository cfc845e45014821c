package ui

import (
	"fmt"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/screens"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// The smallest terminal that is drawn on, and the lines that are not a
// screen's: title, rule, rule, footer.
const (
	minWidth  = 60
	minHeight = 16
	frame     = 4
)

func (r *root) tooSmall() bool { return r.width < minWidth || r.height < minHeight }

func (r *root) bodySize() (width, height int) {
	return max(minWidth, r.width), max(minHeight, r.height) - frame
}

// View draws everything.
func (r *root) View() tea.View {
	content, cursor := r.draw()
	if r.env.Theme.Glyphs.ASCII {
		content = theme.Fold(content)
	}
	v := tea.NewView(content)
	v.AltScreen = true
	v.Cursor = cursor
	return v
}

func (r *root) draw() (string, *tea.Cursor) {
	if r.width <= 0 || r.height <= 0 {
		return "", nil
	}
	if r.tooSmall() {
		text := fmt.Sprintf("gantry needs %d by %d cells; this terminal has %d by %d", minWidth, minHeight, r.width, r.height)
		return widget.Lines(widget.WrapText(text, r.width), r.width, r.height, ""), nil
	}
	t := r.env.Theme
	lines := []string{r.title(), t.HLine(r.width)}
	lines = append(lines, strings.Split(r.top().View(), "\n")...)
	bottom, cursor := r.bottom(len(lines))
	lines = append(lines, bottom, r.footer())
	for _, d := range r.dialogs {
		box, x, y := d.Draw(r.width, r.height)
		left, above := (r.width-ansi.StringWidth(box[0]))/2, max(0, (r.height-len(box))/2)
		lines = widget.Overlay(lines, box, left, above)
		cursor = nil
		if x >= 0 {
			cursor = tea.NewCursor(left+x, above+y)
		}
	}
	return strings.Join(lines, "\n"), cursor
}

// title is the breadcrumb, and what the screen has to remark.
func (r *root) title() string {
	t := r.env.Theme
	crumbs := make([]string, len(r.stack))
	for i, s := range r.stack {
		role := theme.Muted
		if i == len(r.stack)-1 {
			role = theme.Heading
		}
		crumbs[i] = t.Paint(role, s.Title())
	}
	left := " " + t.Paint(theme.Title, "gantry") + "  " + strings.Join(crumbs, t.Paint(theme.Muted, " "+t.Glyphs.Crumb+" "))
	right := t.Paint(theme.Muted, engine.Printable(r.top().Summary())) + " "
	return widget.Between(left, right, r.width, t.Glyphs.Ellipsis)
}

// bottom is the lower rule: where we are or what is being typed on the left,
// a toast on the right.
func (r *root) bottom(row int) (string, *tea.Cursor) {
	t := r.env.Theme
	if p := r.top().Prompt(); p != nil {
		label := t.HLine(2) + " " + t.Paint(theme.Accent, p.Label)
		width := ansi.StringWidth(label)
		input := p.Input.View(t, max(2, r.width-width-2))
		return widget.Fit(label+input, r.width, ""), tea.NewCursor(width+p.Input.CursorX(), row)
	}
	left := t.HLine(2)
	if status := engine.Printable(r.top().Status()); status != "" {
		left += " " + t.Paint(theme.Muted, ansi.Truncate(status, r.width-6, t.Glyphs.Ellipsis)) + " "
	}
	right := ""
	if text := r.toastText(); text != "" {
		room := r.width - 6
		right = " " + t.Paint(r.toast.role, ansi.Truncate(text, room, t.Glyphs.Ellipsis)) + " " + t.HLine(2)
		if ansi.StringWidth(left)+ansi.StringWidth(right) > r.width {
			left = ""
		}
	}
	return left + t.HLine(r.width-ansi.StringWidth(left)-ansi.StringWidth(right)) + right, nil
}

// toastText puts a sign before a toast, so that colour is not all there is.
func (r *root) toastText() string {
	g := r.env.Theme.Glyphs
	sign := map[theme.Role]string{theme.Success: g.Done, theme.Danger: g.Failed, theme.Warning: g.Damaged}[r.toast.role]
	text := engine.Printable(r.toast.text)
	if sign != "" && text != "" {
		return sign + " " + text
	}
	return text
}

// footer lists the keys that do something now, the most useful first, as many
// as there is room for; the key for help is always the last.
func (r *root) footer() string {
	scope := r.top().Scope()
	why := r.top().Why
	var only []keymap.Action
	if n := len(r.dialogs); n > 0 {
		scope, only = r.dialogs[n-1].Scope(), r.dialogs[n-1].Keys()
	} else if r.top().Prompt() != nil {
		scope, only = keymap.Dialogs, []keymap.Action{keymap.Accept, keymap.Cancel}
	}
	if only != nil {
		why = func(a keymap.Action) string {
			if slices.Contains(only, a) {
				return ""
			}
			return "not here"
		}
	}
	return r.keyLine(scope, why)
}

func (r *root) keyLine(scope keymap.Scope, why func(keymap.Action) string) string {
	t, g := r.env.Theme, r.env.Keys
	bindings := g.In(scope)
	slices.SortStableFunc(bindings, func(a, b keymap.Binding) int { return a.Rank - b.Rank })
	last, room := "", r.width-2
	if help := g.Binding(keymap.Help); slices.ContainsFunc(bindings, func(b keymap.Binding) bool { return b.Action == keymap.Help }) {
		last = hint(t, help)
		room -= ansi.StringWidth(last) + 2
	}
	var parts []string
	for _, b := range bindings {
		if b.Rank == 0 || b.Key() == "" || b.Action == keymap.Help || r.here(b.Action) || why(b.Action) != "" {
			continue
		}
		part := hint(t, b)
		if w := ansi.StringWidth(part) + 2; w <= room {
			parts = append(parts, part)
			room -= w
		}
	}
	if last != "" {
		parts = append(parts, last)
	}
	return widget.Fit(" "+strings.Join(parts, "  "), r.width, "")
}

// here reports whether an action would only go, or stay, where we are.
func (r *root) here(action keymap.Action) bool {
	switch action {
	case keymap.ToImages:
		return r.top() == screens.Screen(r.images)
	case keymap.ToContainers:
		return r.top() == screens.Screen(r.containers)
	case keymap.Back:
		return len(r.stack) == 1 && !r.clearable()
	default:
		return false
	}
}

func hint(t *theme.Theme, b keymap.Binding) string {
	return t.Paint(theme.Key, b.Key()) + " " + t.Paint(theme.Muted, b.Short)
}
