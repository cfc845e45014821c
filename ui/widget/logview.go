package widget

import (
	"strings"

	"gantry/engine"
	"gantry/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

// Window is how many lines of a log are held at once, whatever its length.
const Window = 2000

// LogView shows a window of a log. While it follows, the newest line is at the
// bottom; held still, one line is selected and the window can be moved.
type LogView struct {
	Following  bool
	Timestamps bool
	Wrap       bool
	Match      string

	lines         []LogLine
	cursor, top   int
	width, height int
}

// SetSize says how many cells the view has.
func (v *LogView) SetSize(width, height int) {
	v.width, v.height = width, height
	v.clamp()
}

// Reset replaces the window and selects line cursor of it.
func (v *LogView) Reset(lines []LogLine, cursor int) {
	v.lines, v.cursor = lines, cursor
	v.top = max(0, cursor-v.height/2)
	v.clamp()
}

// Append adds lines after the window, which forgets its oldest.
func (v *LogView) Append(lines []LogLine) {
	v.lines = append(v.lines, lines...)
	if over := len(v.lines) - Window; over > 0 {
		v.lines = append([]LogLine(nil), v.lines[over:]...)
		v.cursor, v.top = v.cursor-over, v.top-over
	}
	v.clamp()
}

// Prepend adds lines before the window, which forgets its newest.
func (v *LogView) Prepend(lines []LogLine) {
	all := append(append([]LogLine(nil), lines...), v.lines...)
	if len(all) > Window {
		all = all[:Window]
	}
	v.lines = all
	v.cursor, v.top = v.cursor+len(lines), v.top+len(lines)
	v.clamp()
}

// Len is the number of lines in the window.
func (v *LogView) Len() int { return len(v.lines) }

// First is where the window starts in the log, Last where it ends.
func (v *LogView) First() engine.LogPos {
	if len(v.lines) == 0 {
		return engine.LogPos{}
	}
	return v.lines[0].Line.Pos
}

// Last is where the line after the window starts.
func (v *LogView) Last() engine.LogPos {
	if len(v.lines) == 0 {
		return engine.LogPos{}
	}
	return v.lines[len(v.lines)-1].Line.Next
}

// Selected returns the selected line, or the newest while following.
func (v *LogView) Selected() (LogLine, bool) {
	if len(v.lines) == 0 {
		return LogLine{}, false
	}
	return v.lines[v.cursor], true
}

// Select moves to the line at p if the window has it.
func (v *LogView) Select(p engine.LogPos) bool {
	for i, l := range v.lines {
		if l.Line.Pos == p {
			v.cursor = i
			v.clamp()
			return true
		}
	}
	return false
}

// Move moves the selection by n lines, Page by n screenfuls.
func (v *LogView) Move(n int) {
	v.cursor += n
	v.clamp()
}

// Page moves the selection by n screenfuls.
func (v *LogView) Page(n int) { v.Move(n * max(1, v.height-1)) }

// NearStart reports whether earlier lines should be fetched.
func (v *LogView) NearStart() bool { return v.top < v.height }

// NearEnd reports whether later lines should be fetched.
func (v *LogView) NearEnd() bool { return len(v.lines)-v.cursor <= v.height }

func (v *LogView) clamp() {
	if v.Following {
		v.cursor = len(v.lines) - 1
	}
	v.cursor = max(0, min(v.cursor, len(v.lines)-1))
	v.top = max(0, min(v.top, v.cursor))
	if v.Following || v.fits(v.top, len(v.lines)-1) {
		v.top = v.cursor
		for v.top > 0 && v.fits(v.top-1, len(v.lines)-1) {
			v.top--
		}
		return
	}
	for v.top < v.cursor && !v.fits(v.top, v.cursor) {
		v.top++
	}
}

// fits reports whether lines first to last have room together.
func (v *LogView) fits(first, last int) bool {
	rows := 0
	for i := first; i <= last && rows <= v.height; i++ {
		rows += v.rows(i)
	}
	return rows <= v.height
}

func (v *LogView) rows(i int) int {
	if !v.Wrap {
		return 1
	}
	w := max(1, v.textWidth())
	return max(1, min(v.height, (ansi.StringWidth(v.lines[i].Text)+w-1)/w))
}

const stampLayout = "01-02 15:04:05.000"

func (v *LogView) textWidth() int {
	w := v.width - 2
	if v.Timestamps {
		w -= len(stampLayout) + 1
	}
	return w
}

// View draws the window's part in view.
func (v *LogView) View(t *theme.Theme) string {
	var out []string
	for i := v.top; i < len(v.lines) && len(out) < v.height; i++ {
		out = append(out, v.line(t, i)...)
	}
	if len(out) > v.height {
		out = out[:v.height]
	}
	return Lines(out, v.width, max(0, v.height), "")
}

func (v *LogView) line(t *theme.Theme, i int) []string {
	l := v.lines[i]
	selected := i == v.cursor && !v.Following
	mark := " "
	if l.Line.Stream == engine.LogStderr {
		mark = t.Paint(theme.Danger, t.Glyphs.Stderr)
	}
	head := ""
	if v.Timestamps {
		head = t.Paint(theme.Muted, l.Line.Time.Local().Format(stampLayout)) + " "
	}
	var out []string
	for n, part := range v.parts(t, l.Text) {
		pointer := " "
		if selected && n == 0 {
			pointer = t.Paint(theme.Accent, t.Glyphs.Pointer)
		}
		if n > 0 {
			head = strings.Repeat(" ", ansi.StringWidth(head))
		}
		role := theme.Plain
		if selected {
			role = theme.Heading
		}
		out = append(out, pointer+mark+head+Highlight(t, role, part, v.Match))
	}
	return out
}

func (v *LogView) parts(t *theme.Theme, text string) []string {
	w := v.textWidth()
	if w < 1 {
		return []string{""}
	}
	if !v.Wrap {
		if len(text) > w {
			text = ansi.Truncate(clip(text, w*4+16), w, t.Glyphs.Ellipsis)
		}
		return []string{text}
	}
	return strings.Split(ansi.Hardwrap(clip(text, w*4*v.height), w, true), "\n")
}

// clip cuts s to about n bytes at a character's start, so that a huge line is
// not measured to its end for every frame.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
