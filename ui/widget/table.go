package widget

import (
	"cmp"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
)

// Column describes one column of a table.
type Column struct {
	Title string
	Max   int  // widest it gets unless it grows; 0: no limit
	Min   int  // narrowest before columns are dropped
	Drop  int  // the highest is left out first when there is no room; 0: never
	Grow  bool // takes what is left over
	Right bool
}

// Cell is one value and how it is painted.
type Cell struct {
	Text string
	Role theme.Role
}

// Row is one line of a table. ID tells it from others across updates.
type Row struct {
	ID    string
	Cells []Cell
	// Wide, if set, draws everything after the given cells in the room of the
	// remaining columns. It is trusted to be printable.
	Wide func(width int) string
	// Fixed rows can be selected but not marked.
	Fixed bool
}

// Table shows rows under aligned columns, with one selected and any marked.
// The selection stays on its row's ID when rows come and go.
type Table struct {
	Columns []Column
	Empty   []string // shown instead of rows

	blurred       bool
	rows          []Row
	marks         map[string]bool
	cursor, top   int
	width, height int
	widths        []int // of each column; 0: left out
	natural       []int // widest seen, so that columns hold still
	memo          string
}

// SetRows replaces the rows. The texts may be foreign.
func (t *Table) SetRows(rows []Row) {
	selected := t.SelectedID()
	for i := range rows {
		for j := range rows[i].Cells {
			rows[i].Cells[j].Text = engine.Printable(rows[i].Cells[j].Text)
		}
	}
	t.rows = rows
	if i := slices.IndexFunc(rows, func(r Row) bool { return r.ID == selected }); i >= 0 && selected != "" {
		t.cursor = i
	}
	t.forgetMarks()
	t.measure()
	t.clamp()
}

func (t *Table) forgetMarks() {
	present := make(map[string]bool, len(t.rows))
	for _, r := range t.rows {
		present[r.ID] = true
	}
	for id := range t.marks {
		if !present[id] {
			delete(t.marks, id)
		}
	}
}

// SetSize says how many cells the table has, its header included.
func (t *Table) SetSize(width, height int) {
	if t.width != width {
		t.natural = nil
	}
	t.width, t.height = width, height
	t.measure()
	t.clamp()
}

// Blur says whether the keys go elsewhere: the selection is then shown quietly.
func (t *Table) Blur(blurred bool) { t.blurred, t.memo = blurred, "" }

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Selected returns the row under the cursor.
func (t *Table) Selected() (Row, bool) {
	if t.cursor < 0 || t.cursor >= len(t.rows) {
		return Row{}, false
	}
	return t.rows[t.cursor], true
}

// SelectedID returns the selected row's ID, or "".
func (t *Table) SelectedID() string {
	r, _ := t.Selected()
	return r.ID
}

// Select moves the cursor to the row with id, if it is there.
func (t *Table) Select(id string) {
	if i := slices.IndexFunc(t.rows, func(r Row) bool { return r.ID == id }); i >= 0 {
		t.move(i - t.cursor)
	}
}

// Position is the selected row's number, from 1; 0 without rows.
func (t *Table) Position() int {
	if len(t.rows) == 0 {
		return 0
	}
	return t.cursor + 1
}

// Move moves the cursor by n rows.
func (t *Table) Move(n int) { t.move(n) }

// Page moves the cursor by n screenfuls.
func (t *Table) Page(n int) { t.move(n * max(1, t.body()-1)) }

// Top moves to the first, Bottom to the last row.
func (t *Table) Top() { t.move(-len(t.rows)) }

// Bottom moves to the last row.
func (t *Table) Bottom() { t.move(len(t.rows)) }

func (t *Table) move(n int) {
	t.cursor += n
	t.clamp()
}

// ToggleMark marks or unmarks the selected row and moves on.
func (t *Table) ToggleMark() {
	r, ok := t.Selected()
	if !ok || r.Fixed {
		return
	}
	if t.marks == nil {
		t.marks = map[string]bool{}
	}
	if t.marks[r.ID] {
		delete(t.marks, r.ID)
	} else {
		t.marks[r.ID] = true
	}
	t.move(1)
}

// ClearMarks unmarks all and reports whether there were any.
func (t *Table) ClearMarks() bool {
	any := len(t.marks) > 0
	t.marks = nil
	t.memo = ""
	return any
}

// Marked lists the IDs of marked rows in row order.
func (t *Table) Marked() []string {
	var ids []string
	for _, r := range t.rows {
		if t.marks[r.ID] {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Targets lists the marked rows' IDs, or the selected one's without marks.
func (t *Table) Targets() []string {
	if ids := t.Marked(); len(ids) > 0 {
		return ids
	}
	if r, ok := t.Selected(); ok && !r.Fixed {
		return []string{r.ID}
	}
	return nil
}

func (t *Table) body() int { return max(0, t.height-1) }

func (t *Table) clamp() {
	t.memo = ""
	t.cursor = max(0, min(t.cursor, len(t.rows)-1))
	body := t.body()
	if body == 0 {
		return
	}
	t.top = min(t.top, t.cursor, max(0, len(t.rows)-body))
	t.top = max(t.top, t.cursor-body+1, 0)
}

// ContainsFold reports whether any of texts contains part, ignoring case.
func ContainsFold(part string, texts ...string) bool {
	part = strings.ToLower(part)
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), part) })
}

// SortBy sorts items stably by key, reversed if asked.
func SortBy[T any, K cmp.Ordered](items []T, reverse bool, key func(T) K) {
	slices.SortStableFunc(items, func(a, b T) int {
		c := cmp.Compare(key(a), key(b))
		if reverse {
			return -c
		}
		return c
	})
}
