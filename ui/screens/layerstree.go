package screens

import (
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"

	"github.com/charmbracelet/x/ansi"
)

// treePane scrolls in a tree. It holds no rows: the tree makes those in view.
type treePane struct {
	tree          LayerTree
	flat          bool // every directory was opened for a filter
	cursor, top   int
	width, height int // of the rows, the head not counted
}

// set shows another tree with the selection on path, or as near as it gets.
func (p *treePane) set(tree LayerTree, flat bool, path string) {
	p.tree, p.flat = tree, flat
	for path != "" {
		if i := tree.Reveal(path); i >= 0 {
			p.cursor = i
			break
		}
		cut := strings.LastIndexByte(path, '/')
		path = path[:max(0, cut)]
	}
	p.move(0)
}

func (p *treePane) length() int {
	if p.tree == nil {
		return 0
	}
	return p.tree.Len()
}

func (p *treePane) selected() engine.LayerRow {
	if p.cursor < 0 || p.cursor >= p.length() {
		return engine.LayerRow{}
	}
	if rows := p.tree.Rows(p.cursor, 1); len(rows) == 1 {
		return rows[0]
	}
	return engine.LayerRow{}
}

func (p *treePane) move(n int) {
	p.cursor = max(0, min(p.cursor+n, p.length()-1))
	if p.height > 0 {
		p.top = min(p.top, p.cursor, max(0, p.length()-p.height))
		p.top = max(p.top, p.cursor-p.height+1, 0)
	}
}

func (p *treePane) page(n int) { p.move(n * max(1, p.height-1)) }

// reveal selects path, or reports false if the tree does not have it.
func (p *treePane) reveal(path string) bool {
	i := p.tree.Reveal(path)
	if i >= 0 {
		p.cursor = i
		p.move(0)
	}
	return i >= 0
}

// firstMatch selects the first row that a filter means, within reason.
func (p *treePane) firstMatch() {
	const far = 1000
	for i, r := range p.tree.Rows(0, far) {
		if r.Matched {
			p.cursor = i
			p.move(0)
			return
		}
	}
}

// parent selects the directory around the selection.
func (p *treePane) parent() {
	path := p.selected().Path
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		p.reveal(path[:i])
	}
}

// wideTree is the width from which rows have room for permissions and owner.
const wideTree = 76

// view draws the rows in view.
func (p *treePane) view(t *theme.Theme, focused bool, match engine.LayerPattern) []string {
	if p.tree == nil {
		return nil
	}
	text := ""
	if match.Match == engine.MatchSubstring {
		text = match.Text
	}
	var lines []string
	for i, row := range p.tree.Rows(p.top, p.height) {
		selected := p.top+i == p.cursor
		line := p.line(t, row, text)
		switch {
		case selected && focused:
			line = t.Paint(theme.Selected, widget.Fit(t.Glyphs.Pointer+" "+ansi.Strip(line), p.width, t.Glyphs.Ellipsis))
		case selected:
			line = t.Paint(theme.Title, t.Glyphs.Pointer) + " " + line
		default:
			line = "  " + line
		}
		lines = append(lines, line)
	}
	return lines
}

func (p *treePane) line(t *theme.Theme, row engine.LayerRow, match string) string {
	sign, role := classSign(t, row)
	parts := []string{t.Paint(role, sign), " "}
	if p.width >= wideTree {
		owner := fmt.Sprintf("%d:%d", row.UID, row.GID)
		parts = append(parts, t.Paint(theme.Muted, modeString(row.Kind, row.Mode)+" "+widget.FitRight(owner, 9, "")), " ")
	}
	parts = append(parts, t.Paint(theme.Muted, widget.FitRight(rowSize(row), 7, "")), "  ", strings.Repeat("  ", row.Depth))
	fold, name := "  ", row.Name
	if row.Kind == engine.KindDir {
		name += "/"
	}
	if row.Children {
		fold = map[bool]string{true: t.Glyphs.Open, false: t.Glyphs.Closed}[row.Open] + " "
	}
	if sign == t.Glyphs.Within {
		role = theme.Plain
	}
	parts = append(parts, t.Paint(theme.Muted, fold), widget.Highlight(t, role, name, match))
	if row.Kind == engine.KindSymlink {
		parts = append(parts, t.Paint(theme.Muted, " "+t.Glyphs.Arrow+" "+row.Link))
	}
	if alarm := alarms(row.Flags); alarm != "" {
		parts = append(parts, "  "+t.Paint(theme.Warning, alarm))
	}
	return strings.Join(parts, "")
}

// rowSize is a row's size; an empty directory and what is no file has none.
func rowSize(row engine.LayerRow) string {
	if row.Kind != engine.KindFile && row.Size == 0 {
		return ""
	}
	return widget.Size(row.Size)
}

// classSign is how a change is shown: a sign, and a colour for those who see it.
func classSign(t *theme.Theme, row engine.LayerRow) (string, theme.Role) {
	g := t.Glyphs
	switch {
	case row.Flags&engine.PathInherited != 0:
		return g.Within, theme.Muted
	case row.Class == engine.PathAdded:
		return g.Added, theme.Added
	case row.Class == engine.PathChanged:
		return g.Changed, theme.Changed
	case row.Class == engine.PathRemoved:
		return g.Removed, theme.Removed
	default:
		return " ", theme.Plain
	}
}

// alarms names what gives a file more power than it seems to have.
func alarms(f engine.PathFlags) string {
	var out []string
	for _, a := range []struct {
		flag engine.PathFlags
		name string
	}{{engine.PathSetuid, "setuid"}, {engine.PathSetgid, "setgid"}, {engine.PathCapabilities, "capabilities"}} {
		if f&a.flag != 0 {
			out = append(out, a.name)
		}
	}
	return strings.Join(out, " ")
}

// modeString writes kind and permissions as ls does.
func modeString(kind engine.PathKind, mode uint32) string {
	letters := []byte("?rwxrwxrwx")
	letters[0] = byte(kind)
	if kind == engine.KindFile {
		letters[0] = '-'
	}
	for i := range 9 {
		if mode&(1<<(8-i)) == 0 {
			letters[i+1] = '-'
		}
	}
	for _, special := range []struct {
		bit  uint32
		at   int
		sign byte
	}{{0o4000, 3, 's'}, {0o2000, 6, 's'}, {0o1000, 9, 't'}} {
		if mode&special.bit == 0 {
			continue
		}
		if letters[special.at] == '-' {
			special.sign -= 'a' - 'A'
		}
		letters[special.at] = special.sign
	}
	return string(letters)
}
