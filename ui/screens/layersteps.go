package screens

import (
	"fmt"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"
)

func stepID(i int) string { return fmt.Sprint(i) }

// listSteps lists the instructions: of one image as they are, of two images
// first what they share, then what only the other has, then the rest.
func (s *Layers) listSteps() {
	s.steps = nil
	if s.diff == nil {
		for n, l := range s.index.Layers() {
			s.steps = append(s.steps, layerStep{LayerInfo: l, n: n})
		}
		s.fill()
		return
	}
	own, others := s.index.Layers(), s.other.Layers()
	common := 0
	for common < len(own) && common < len(others) && sameStep(own[common], others[common]) {
		s.steps = append(s.steps, layerStep{LayerInfo: own[common], n: common})
		common++
	}
	for n := common; n < len(others); n++ {
		s.steps = append(s.steps, layerStep{others[n], n, true})
	}
	for n := common; n < len(own); n++ {
		s.steps = append(s.steps, layerStep{LayerInfo: own[n], n: n})
	}
	s.fill()
}

// sameStep reports whether two images have a layer in common, or an
// instruction that made none.
func sameStep(a, b engine.LayerInfo) bool {
	return a.DiffID == b.DiffID && a.Empty == b.Empty && (!a.Empty || a.CreatedBy == b.CreatedBy)
}

// fill puts the instructions into the table.
func (s *Layers) fill() {
	rows := make([]widget.Row, len(s.steps))
	for i, st := range s.steps {
		rows[i] = widget.Row{ID: stepID(i), Cells: s.stepCells(st)}
	}
	s.list.SetRows(rows)
}

func (s *Layers) stepCells(st layerStep) []widget.Cell {
	role, number := theme.Plain, theme.Muted
	if st.Empty {
		role = theme.Muted
	}
	sign := ""
	if s.inRange(st.n) {
		sign, number = s.env.Theme.Glyphs.Side, theme.Accent
	}
	if s.diff != nil {
		sign, number = s.compareSign(st)
	}
	text := st.Instruction
	if text == "" {
		text = st.Comment
	}
	if text == "" {
		text = "(no instruction recorded)"
	}
	return []widget.Cell{
		{Text: sign + fmt.Sprintf("%2d", st.n+1), Role: number},
		{Text: bytesOrNone(st.Size), Role: role},
		{Text: bytesOrNone(st.Added), Role: role},
		{Text: bytesOrNone(st.Killed), Role: theme.Changed},
		{Text: bytesOrNone(st.DiedLater), Role: theme.Removed},
		{Text: widget.Age(s.now, st.Created), Role: theme.Muted},
		{Text: text, Role: role},
	}
}

// compareSign says which of two images has a layer.
func (s *Layers) compareSign(st layerStep) (string, theme.Role) {
	g := s.env.Theme.Glyphs
	switch {
	case st.other:
		return g.Removed, theme.Removed
	case st.Shared || st.Empty && s.sharedEmpty(st):
		return g.Shared, theme.Muted
	default:
		return g.Added, theme.Added
	}
}

func (s *Layers) sharedEmpty(st layerStep) bool {
	others := s.other.Layers()
	return st.n < len(others) && sameStep(st.LayerInfo, others[st.n])
}

func (s *Layers) inRange(n int) bool {
	if s.show.anchor < 0 {
		return false
	}
	from, to := s.span()
	return from <= n && n <= to
}

// bytesOrNone leaves nothing out as nothing: a column of noughts hides the
// figures that matter.
func bytesOrNone(n int64) string {
	if n == 0 {
		return ""
	}
	return widget.Size(n)
}
