package widget

import (
	"strings"

	"gantry/ui/theme"
	"github.com/charmbracelet/x/ansi"
)

// gutter holds the pointer or the mark, and a space.
const gutter = 2

// gap is the air between columns: more of it on a wide terminal.
func (t *Table) gap() int { return 2 + max(0, (t.width-80)/40) }

// measure decides how wide each column is. Widths only grow until the table's
// own width changes, so that a row that comes or goes does not shift the rest.
func (t *Table) measure() {
	if len(t.natural) != len(t.Columns) {
		t.natural = make([]int, len(t.Columns))
	}
	for i, c := range t.Columns {
		w := max(ansi.StringWidth(c.Title), c.Min)
		for _, r := range t.rows {
			if i < len(r.Cells) {
				w = max(w, ansi.StringWidth(r.Cells[i].Text))
			}
		}
		if c.Max > 0 {
			w = min(w, c.Max)
		}
		t.natural[i] = max(t.natural[i], w)
	}
	t.widths = t.layout(max(0, t.width-gutter-1))
}

// layout fits the natural widths into avail cells: first columns are dropped,
// then the rest shrink towards their minimum, then one grows.
func (t *Table) layout(avail int) []int {
	widths := append([]int(nil), t.natural...)
	t.drop(widths, avail, niceToHave, t.comfortable)
	t.drop(widths, avail, 1, t.minimum)
	for over := t.total(widths, nil) - avail; over > 0; over-- {
		widest := -1
		for i := range widths {
			if widths[i] <= t.minimum(i) {
				continue
			}
			if t.Columns[i].Grow {
				widest = i
				break
			}
			if widest < 0 || widths[i] > widths[widest] {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	if spare := avail - t.total(widths, nil); spare > 0 {
		for i := len(widths) - 1; i >= 0; i-- {
			if t.Columns[i].Grow && widths[i] > 0 {
				widths[i] += spare
				break
			}
		}
	}
	return widths
}

// niceToHave is the Drop from which a column goes before any other is cut.
const niceToHave = 3

// drop leaves columns out, the highest Drop first and none below least, until
// the rest fits at the given sizes.
func (t *Table) drop(widths []int, avail, least int, size func(int) int) {
	for t.total(widths, size) > avail {
		worst := -1
		for i, c := range t.Columns {
			if widths[i] > 0 && c.Drop >= least && (worst < 0 || c.Drop > t.Columns[worst].Drop) {
				worst = i
			}
		}
		if worst < 0 {
			return
		}
		widths[worst] = 0
	}
}

// comfortable is a column's natural width, or its least when it grows.
func (t *Table) comfortable(i int) int {
	if t.Columns[i].Grow {
		return t.minimum(i)
	}
	return t.natural[i]
}

func (t *Table) minimum(i int) int {
	return min(max(t.Columns[i].Min, ansi.StringWidth(t.Columns[i].Title)), t.natural[i])
}

// total is the width of all columns that are shown, as they are or at size.
func (t *Table) total(widths []int, size func(int) int) int {
	sum := -t.gap()
	for i, w := range widths {
		if w == 0 {
			continue
		}
		if size != nil {
			w = size(i)
		}
		sum += w + t.gap()
	}
	return max(0, sum)
}

// View draws the table, exactly as large as it was told to be.
func (t *Table) View(th *theme.Theme) string {
	if t.memo != "" {
		return t.memo
	}
	lines := []string{strings.Repeat(" ", gutter) + th.Paint(theme.Header, t.join(th, t.titles(), nil))}
	if len(t.rows) == 0 {
		lines = append(lines, t.emptyLines(th)...)
	}
	for i := t.top; i < len(t.rows) && len(lines) < t.height; i++ {
		lines = append(lines, t.line(th, i))
	}
	if len(lines) > t.height {
		lines = lines[:max(0, t.height)]
	}
	t.memo = Lines(lines, t.width, max(0, t.height), "")
	return t.memo
}

func (t *Table) titles() []Cell {
	cells := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		cells[i] = Cell{Text: c.Title}
	}
	return cells
}

func (t *Table) emptyLines(th *theme.Theme) []string {
	lines := make([]string, max(0, (t.body()-len(t.Empty))/3))
	for _, s := range t.Empty {
		pad := max(0, (t.width-ansi.StringWidth(s))/2)
		lines = append(lines, strings.Repeat(" ", pad)+th.Paint(theme.Muted, s))
	}
	return lines
}

// line draws one row. The selected row is one bar in one style: fewer bytes on
// a slow line, and nothing in it competes with the selection.
func (t *Table) line(th *theme.Theme, i int) string {
	row, selected := t.rows[i], i == t.cursor
	if selected && t.blurred {
		return th.Paint(theme.Title, th.Glyphs.Pointer) + " " + t.cells(th, row, th.Paint)
	}
	if selected {
		sign := th.Glyphs.Pointer
		if t.marks[row.ID] {
			sign = th.Glyphs.Mark
		}
		text := sign + " " + t.cells(th, row, nil)
		return th.Paint(theme.Selected, Fit(ansi.Strip(text), t.width, ""))
	}
	if t.marks[row.ID] {
		return th.Paint(theme.Accent, th.Glyphs.Mark) + " " + t.cells(th, row, th.Paint)
	}
	return strings.Repeat(" ", gutter) + t.cells(th, row, th.Paint)
}

func (t *Table) cells(th *theme.Theme, row Row, paint func(theme.Role, string) string) string {
	if row.Wide == nil {
		return t.join(th, row.Cells, paint)
	}
	head := t.join(th, row.Cells, paint)
	used := t.total(t.widths[:min(len(row.Cells), len(t.widths))], nil)
	head = Fit(head, used+t.gap(), th.Glyphs.Ellipsis)
	return head + row.Wide(max(0, t.width-gutter-1-used-t.gap()))
}

// join lays cells out under their columns. Spaces stay outside the styles, so
// that the renderer can skip over them.
func (t *Table) join(th *theme.Theme, cells []Cell, paint func(theme.Role, string) string) string {
	var b strings.Builder
	pending := 0
	for i, c := range cells {
		if i >= len(t.widths) || t.widths[i] == 0 {
			continue
		}
		w := t.widths[i]
		text := ansi.Truncate(c.Text, w, th.Glyphs.Ellipsis)
		fill := w - ansi.StringWidth(text)
		if t.Columns[i].Right {
			pending += fill
			fill = 0
		}
		b.WriteString(strings.Repeat(" ", pending))
		if paint != nil {
			text = paint(c.Role, text)
		}
		b.WriteString(text)
		pending = fill + t.gap()
	}
	return b.String()
}
