package screens

import (
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"

	"github.com/charmbracelet/x/ansi"
)

// sideBySideFrom is the width from which the panes stand beside each other.
const sideBySideFrom = 100

// SetSize divides the screen: a line of figures, the panes, a rule, the detail.
func (s *Layers) SetSize(width, height int) {
	s.width, s.height, s.memo = width, height, ""
	panes := max(4, height-2-s.detailHeight())
	if s.beside() {
		left := s.leftWidth()
		s.list.SetSize(left, panes)
		s.tree.width, s.tree.height = width-left-1, panes-1
	} else {
		upper := max(3, panes*2/5)
		s.list.SetSize(width, upper)
		s.tree.width, s.tree.height = width, max(1, panes-upper-1)
	}
	s.tree.move(0)
}

func (s *Layers) beside() bool { return s.width >= sideBySideFrom }

func (s *Layers) leftWidth() int { return min(96, s.width*47/100) }

func (s *Layers) detailHeight() int {
	if s.height < 24 {
		return 3
	}
	return 5
}

// View draws the screen, or why there is nothing to draw.
func (s *Layers) View() string {
	if s.memo == "" {
		s.memo = widget.Lines(s.draw(), s.width, max(0, s.height), s.env.Theme.Glyphs.Ellipsis)
	}
	return s.memo
}

func (s *Layers) draw() []string {
	t := s.env.Theme
	switch {
	case s.err != nil:
		lines := make([]string, s.height/3)
		for _, part := range widget.WrapText("cannot be inspected: "+oneLine(s.err), max(20, s.width-8)) {
			lines = append(lines, "    "+t.Paint(theme.Danger, part))
		}
		return lines
	case s.index == nil && !s.slow:
		return nil
	case s.index == nil:
		return append(make([]string, s.height/3), "    "+t.Paint(theme.Muted, "reading the layers"+t.Glyphs.Ellipsis))
	}
	s.list.Blur(s.inTree)
	lines := []string{s.figures()}
	left := strings.Split(s.list.View(t), "\n")
	right := append([]string{s.treeHead()}, s.treeLines()...)
	if s.beside() {
		lines = append(lines, s.join(left, right)...)
	} else {
		lines = append(lines, left...)
		lines = append(lines, right...)
		for len(lines) < s.height-1-s.detailHeight() {
			lines = append(lines, "")
		}
	}
	lines = append(lines, t.HLine(s.width))
	return append(lines, s.details()...)
}

func (s *Layers) join(left, right []string) []string {
	side := s.env.Theme.Paint(theme.Rule, s.env.Theme.Glyphs.Side)
	out := make([]string, len(left))
	for i := range left {
		line := ""
		if i < len(right) {
			line = right[i]
		}
		out[i] = left[i] + side + line
	}
	return out
}

func (s *Layers) treeLines() []string {
	t := s.env.Theme
	if s.tree.length() == 0 {
		what := "no files here"
		if s.show.match.Text != "" || s.show.minSize > 0 || len(s.show.hide) > 0 {
			what = "nothing passes the filters"
		}
		return []string{"", "  " + t.Paint(theme.Muted, what)}
	}
	return s.tree.view(t, s.inTree, s.show.match)
}

// figures is the line of what the image costs.
func (s *Layers) figures() string {
	t := s.env.Theme
	st := s.index.Stats()
	dot := t.Paint(theme.Muted, " "+t.Glyphs.Dot+" ")
	role := theme.Plain
	if st.Reclaimable > 0 {
		role = theme.Warning
	}
	left := "  " + widget.Size(st.Size) + dot + t.Paint(role, widget.Size(st.Reclaimable)+" reclaimable")
	dive := fmt.Sprintf("dive: efficiency %.2f %%, wasted %s", st.Dive.Efficiency*100, widget.Size(st.Dive.WastedBytes))
	return widget.Between(left, t.Paint(theme.Muted, dive)+" ", s.width, t.Glyphs.Ellipsis)
}

// treeHead says what the tree shows and counts it.
func (s *Layers) treeHead() string {
	t := s.env.Theme
	what := ansi.Truncate(s.what(), s.tree.width-4, t.Glyphs.Ellipsis)
	if s.beside() {
		return widget.Between("  "+t.Paint(theme.Header, what), s.counts()+" ", s.tree.width, t.Glyphs.Ellipsis)
	}
	left, right := t.HLine(2)+" "+t.Paint(theme.Header, what)+" ", " "+s.counts()+" "+t.HLine(2)
	return left + t.HLine(s.width-ansi.StringWidth(left)-ansi.StringWidth(right)) + right
}

// counts are the files of each class in the tree; what is hidden stands in
// brackets.
func (s *Layers) counts() string {
	if s.tree.tree == nil {
		return ""
	}
	t, n := s.env.Theme, s.tree.tree.Totals().Files
	var counts []string
	for _, c := range []struct {
		class engine.PathClass
		sign  string
		role  theme.Role
	}{
		{engine.PathAdded, t.Glyphs.Added, theme.Added}, {engine.PathChanged, t.Glyphs.Changed, theme.Changed},
		{engine.PathRemoved, t.Glyphs.Removed, theme.Removed}, {engine.PathUnmodified, t.Glyphs.Shared, theme.Muted},
	} {
		role, text := c.role, fmt.Sprintf("%s%d", c.sign, n[c.class])
		if s.show.hide[c.class] {
			role, text = theme.Muted, "("+text+")"
		}
		counts = append(counts, t.Paint(role, text))
	}
	return strings.Join(counts, " ")
}

// what names what the tree shows.
func (s *Layers) what() string {
	from, to := s.span()
	switch {
	case s.diff != nil:
		return "AGAINST " + s.against
	case s.show.whole:
		return fmt.Sprintf("ALL UP TO LAYER %d", to+1)
	case from != to:
		return fmt.Sprintf("LAYERS %d TO %d", from+1, to+1)
	default:
		return fmt.Sprintf("LAYER %d", to+1)
	}
}

// Summary counts the instructions that made layers.
func (s *Layers) Summary() string {
	if s.index == nil {
		return ""
	}
	n := 0
	for _, l := range s.index.Layers() {
		if !l.Empty {
			n++
		}
	}
	return plural(n, "layer", "layers")
}

// Status says where in the tree we are and what is kept out of it.
func (s *Layers) Status() string {
	if s.index == nil {
		return ""
	}
	var parts []string
	if n := s.tree.length(); n > 0 && s.inTree {
		parts = append(parts, fmt.Sprintf("%d of %d", s.tree.cursor+1, n))
	} else if !s.inTree {
		parts = append(parts, fmt.Sprintf("%d of %d", s.list.Position(), s.list.Len()))
	}
	if s.show.filter != "" {
		parts = append(parts, filterLabel(s.show.match.Match)+": "+s.show.filter)
	}
	if s.show.bad != "" {
		parts = append(parts, s.show.bad)
	}
	if s.show.minSize > 0 {
		parts = append(parts, "from "+widget.Size(s.show.minSize))
	}
	if s.show.bySize {
		parts = append(parts, "by size")
	}
	return strings.Join(parts, " "+s.env.Theme.Glyphs.Dot+" ")
}
