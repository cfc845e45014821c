package widget

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"gantry/engine"
)

// MaxLine is how much of one line of a log is kept for showing.
const MaxLine = 16 << 10

// colours are the sequences that only colour text; a log is full of them and
// they say nothing once the line is shown in our own colours.
var colours = regexp.MustCompile("\x1b\\[[0-9;:]*[mK]")

// LogLine is one line of a log made ready to show.
type LogLine struct {
	Line engine.LogLine // without its text
	Text string
}

// CleanLine makes a line of a container's output ready to show: colours are
// dropped, a progress bar that redraws itself shows its last state, tabs are
// expanded, and anything else that could steer the terminal is made visible.
func CleanLine(raw engine.LogLine) LogLine {
	text := raw.Text
	raw.Text = nil
	cut := len(text) > MaxLine
	if cut {
		text = text[:MaxLine]
		for len(text) > 0 && !utf8.Valid(text[max(0, len(text)-utf8.UTFMax):]) && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	s := strings.TrimRight(string(text), "\r")
	if i := strings.LastIndexByte(s, '\r'); i >= 0 {
		s = s[i+1:]
	}
	if strings.IndexByte(s, 0x1b) >= 0 {
		s = colours.ReplaceAllString(s, "")
	}
	s = engine.Printable(expandTabs(s))
	if cut {
		s += " [cut]"
	}
	return LogLine{Line: raw, Text: s}
}

func expandTabs(s string) string {
	if strings.IndexByte(s, '\t') < 0 {
		return s
	}
	var b strings.Builder
	column := 0
	for _, part := range strings.SplitAfter(s, "\t") {
		text, tab := strings.CutSuffix(part, "\t")
		b.WriteString(text)
		column += utf8.RuneCountInString(text)
		if tab {
			n := 8 - column%8
			b.WriteString(strings.Repeat(" ", n))
			column += n
		}
	}
	return b.String()
}
