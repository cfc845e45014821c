// Package widget holds what screens are made of: table, text pager, log view,
// form, input, menu and box. A widget is a plain struct with methods; it makes
// no decisions about the program, reads no clock and does no I/O. Text given to
// a widget may be foreign: a widget cleans what it draws.
package widget

import (
	"fmt"
	"strings"
	"time"

	"gantry/ui/theme"
	"github.com/charmbracelet/x/ansi"
)

// Fit makes s exactly width cells: cut with an ellipsis or filled with spaces.
// It may hold styles.
func Fit(s string, width int, ellipsis string) string {
	if width <= 0 {
		return ""
	}
	w := ansi.StringWidth(s)
	if w > width {
		s = ansi.Truncate(s, width, ellipsis)
		w = ansi.StringWidth(s)
	}
	return s + strings.Repeat(" ", width-w)
}

// FitRight is Fit with the text at the right edge.
func FitRight(s string, width int, ellipsis string) string {
	if w := ansi.StringWidth(s); w < width {
		return strings.Repeat(" ", width-w) + s
	}
	return Fit(s, width, ellipsis)
}

// Between puts left and right at the two ends of width cells. The right text
// gives way when there is no room for both.
func Between(left, right string, width int, ellipsis string) string {
	gap := width - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 1 {
		return Fit(left, width, ellipsis)
	}
	return left + strings.Repeat(" ", gap) + right
}

// Lines makes exactly height lines of width cells from lines.
func Lines(lines []string, width, height int, ellipsis string) string {
	out := make([]string, height)
	for i := range out {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out[i] = Fit(line, width, ellipsis)
	}
	return strings.Join(out, "\n")
}

// Size writes bytes as people read them: 123 MB.
func Size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", max(0, n))
	}
	value, exp := float64(n)/unit, 0
	for value >= 999.5 && exp < 5 {
		value /= unit
		exp++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[exp])
	}
	return fmt.Sprintf("%.0f %cB", value, "kMGTPE"[exp])
}

// Age writes how long ago then was, coarse enough to hold still.
func Age(now, then time.Time) string {
	if then.IsZero() || then.Unix() <= 0 {
		return ""
	}
	return Duration(now.Sub(then))
}

// Duration writes d in its largest unit: <1m, 5m, 3h, 12d, 7mo, 2y.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "<1m"
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 60*day:
		return fmt.Sprintf("%dd", d/day)
	case d < 2*365*day:
		return fmt.Sprintf("%dmo", d/(30*day))
	default:
		return fmt.Sprintf("%dy", d/(365*day))
	}
}

// Bar draws how much of total is done, in width cells; an unknown total is an
// empty bar.
func Bar(t *theme.Theme, done, total int64, width int) string {
	if width <= 0 {
		return ""
	}
	full := 0
	if total > 0 {
		full = int(float64(min(max(0, done), total)) / float64(total) * float64(width))
	}
	return t.Paint(theme.Accent, strings.Repeat(t.Glyphs.Full, full)) +
		t.Paint(theme.Rule, strings.Repeat(t.Glyphs.Empty, width-full))
}
