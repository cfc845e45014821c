package screens

import (
	"fmt"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"
)

// maxLayerRows is how many layers of a pull are shown below it at once.
const maxLayerRows = 6

// build makes the table's rows from what is known.
func (s *Images) build() {
	keys := s.env.Keys
	s.table.Empty = s.empty("no images yet", "",
		fmt.Sprintf("press %s to pull one, or %s and type: pull debian", keys.Binding("pull").Key(), keys.Binding("palette").Key()))
	s.rows = map[string]imageRow{}
	var rows []widget.Row
	for _, p := range s.pulls {
		rows = append(rows, s.pullRows(p)...)
	}
	for _, r := range s.sorted() {
		id := r.image.ID.String() + " " + r.name
		s.rows[id] = r
		rows = append(rows, widget.Row{ID: id, Cells: s.cells(r)})
	}
	s.table.SetRows(rows)
	s.selectWaiting()
}

func (s *Images) selectWaiting() {
	for id, r := range s.rows {
		if s.waiting != "" && r.name == s.waiting {
			s.table.Select(id)
			s.waiting = ""
			return
		}
	}
}

func (s *Images) sorted() []imageRow {
	var rows []imageRow
	for _, image := range s.images {
		all := image.Names
		if len(all) == 0 {
			all = []string{""}
		}
		for _, name := range all {
			if s.filter == "" || widget.ContainsFold(s.filter, name, image.ID.String()) {
				rows = append(rows, imageRow{name, image})
			}
		}
	}
	switch s.sortBy {
	case 0, 1, 2:
		widget.SortBy(rows, s.reverse, func(r imageRow) string { return s.cells(r)[s.sortBy].Text })
	case 3:
		widget.SortBy(rows, s.reverse, func(r imageRow) int64 { return -r.image.Created.Unix() })
	case 4:
		widget.SortBy(rows, s.reverse, func(r imageRow) int64 { return -r.image.Size })
	case 5:
		widget.SortBy(rows, s.reverse, func(r imageRow) int { return -len(s.users[r.image.ID.String()]) })
	}
	return rows
}

func (s *Images) cells(r imageRow) []widget.Cell {
	repo, tag := splitName(r.name)
	if r.name == "" {
		repo, tag = "<none>", "<none>"
	}
	nameRole := theme.Plain
	if r.image.Damaged != "" {
		tag, nameRole = s.env.Theme.Glyphs.Damaged+" damaged", theme.Danger
	}
	return []widget.Cell{
		{Text: repo, Role: nameRole},
		{Text: tag, Role: nameRole},
		{Text: ShortID(r.image.ID.String()), Role: theme.Muted},
		{Text: widget.Age(s.now, r.image.Created), Role: theme.Muted},
		{Text: widget.Size(r.image.Size)},
		s.usedCell(s.users[r.image.ID.String()]),
	}
}

func (s *Images) usedCell(users []engine.Container) widget.Cell {
	running := 0
	for _, c := range users {
		if c.State.Status == engine.Running || c.State.Status == engine.Paused {
			running++
		}
	}
	switch {
	case len(users) == 0:
		return widget.Cell{Text: "-", Role: theme.Muted}
	case running == 0:
		return widget.Cell{Text: fmt.Sprint(len(users))}
	default:
		return widget.Cell{Text: fmt.Sprintf("%d (%d running)", len(users), running), Role: theme.Success}
	}
}

func pullRowID(p Pull) string { return fmt.Sprintf("pull %d", p.ID) }

// pullRows are a pull's own row and, unfolded, those of its busy layers.
func (s *Images) pullRows(p Pull) []widget.Row {
	repo, tag := splitName(p.Ref)
	row := widget.Row{ID: pullRowID(p), Fixed: true, Cells: []widget.Cell{{Text: repo, Role: theme.Accent}, {Text: tag, Role: theme.Accent}}}
	t := s.env.Theme
	if p.Err != nil {
		row.Cells[0].Role, row.Cells[1].Role = theme.Danger, theme.Danger
		text := t.Glyphs.Failed + " " + oneLine(p.Err)
		row.Wide = func(width int) string { return t.Paint(theme.Danger, widget.Fit(text, width, t.Glyphs.Ellipsis)) }
		return []widget.Row{row}
	}
	done, total, finished := sum(p.Steps)
	head := "starting"
	if len(p.Steps) > 0 {
		head = fmt.Sprintf("%d/%d layers", finished, len(p.Steps))
	}
	row.Wide = func(width int) string { return progressLine(t, t.Glyphs.Down+" "+head, done, total, width) }
	rows := []widget.Row{row}
	if s.folded[p.ID] {
		return rows
	}
	for _, step := range busy(p.Steps) {
		rows = append(rows, s.layerRow(p, step))
	}
	return rows
}

func (s *Images) layerRow(p Pull, step engine.Step) widget.Row {
	t := s.env.Theme
	action := strings.ToLower(engine.Printable(step.Action))
	if step.Detail != "" {
		action = engine.Printable(step.Detail) + " " + t.Glyphs.Dot + " " + action
	}
	return widget.Row{
		ID:    pullRowID(p) + " " + step.ID,
		Fixed: true,
		Cells: []widget.Cell{{Text: "  " + engine.Printable(step.Name), Role: theme.Muted}, {}},
		Wide:  func(width int) string { return progressLine(t, action, step.Current, step.Total, width) },
	}
}

// busy are the layers worth a row: those at work, then those that wait.
func busy(steps []engine.Step) []engine.Step {
	var out []engine.Step
	for _, state := range []engine.StepState{"failed", "active", "waiting"} {
		for _, step := range steps {
			if step.State == state && len(out) < maxLayerRows {
				out = append(out, step)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b engine.Step) int { return index(steps, a) - index(steps, b) })
	return out
}

func index(steps []engine.Step, step engine.Step) int {
	return slices.IndexFunc(steps, func(s engine.Step) bool { return s.ID == step.ID })
}

// sum adds up the steps; a total that is not known yet counts as what is done.
func sum(steps []engine.Step) (done, total int64, finished int) {
	for _, step := range steps {
		if step.State == "done" {
			finished++
			step.Current = max(step.Current, step.Total)
		}
		done += step.Current
		total += max(step.Total, step.Current)
	}
	return done, total, finished
}

// progressLine is a remark, a bar, a percentage and, where there is room, the
// figures, in width cells.
func progressLine(t *theme.Theme, text string, done, total int64, width int) string {
	const percent, figuresWidth = 5, 20
	remark := max(14, min(28, width/3))
	figures := ""
	if total > 0 && width >= remark+percent+figuresWidth+14 {
		figures = fmt.Sprintf("  %s of %s", widget.Size(done), widget.Size(total))
		width -= figuresWidth
	}
	bar := min(40, width-remark-percent-1)
	if bar < 4 {
		return widget.Fit(text, width, t.Glyphs.Ellipsis)
	}
	line := widget.Fit(text, remark, t.Glyphs.Ellipsis) + " " + widget.Bar(t, done, total, bar)
	if total > 0 {
		line += widget.FitRight(fmt.Sprintf("%d%%", min(100, done*100/total)), percent, "")
	}
	return line + t.Paint(theme.Muted, figures)
}
