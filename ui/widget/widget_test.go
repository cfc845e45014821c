package widget

import (
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

func TestSizeAndDuration(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_950: "10 kB", 999_600: "1.0 MB", 1_240_000_000: "1.2 GB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		time.Second: "<1m", 90 * time.Second: "1m", 47 * time.Hour: "47h", 48 * time.Hour: "2d", 100 * 24 * time.Hour: "3mo", 800 * 24 * time.Hour: "2y",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

// TestTableIsExactlyItsSize holds for every size, wide characters included.
func TestTableIsExactlyItsSize(t *testing.T) {
	th := theme.New(true, theme.Unicode)
	table := Table{Columns: []Column{{Title: "NAME", Min: 8}, {Title: "SIZE", Right: true, Drop: 2}, {Title: "MORE", Grow: true, Drop: 1}}}
	table.SetRows([]Row{
		{ID: "a", Cells: []Cell{{Text: "日本語のなまえ"}, {Text: "1 MB"}, {Text: strings.Repeat("x", 300)}}},
		{ID: "b", Cells: []Cell{{Text: "bad\x1b[2J"}}, Wide: func(w int) string { return strings.Repeat("w", w) }},
	})
	for w := range 130 {
		for _, h := range []int{0, 1, 2, 10} {
			table.SetSize(w, h)
			lines := strings.Split(table.View(th), "\n")
			if h > 0 && len(lines) != h {
				t.Fatalf("%d×%d: %d lines", w, h, len(lines))
			}
			for _, l := range lines {
				if got := ansi.StringWidth(l); h > 0 && got != w {
					t.Fatalf("%d×%d: a line is %d wide: %q", w, h, got, l)
				}
			}
		}
	}
}

func TestTableKeepsSelectionAndMarks(t *testing.T) {
	var table Table
	table.Columns = []Column{{Title: "N"}}
	table.SetSize(20, 5)
	rows := func(ids ...string) (out []Row) {
		for _, id := range ids {
			out = append(out, Row{ID: id, Cells: []Cell{{Text: id}}})
		}
		return out
	}
	table.SetRows(rows("a", "b", "c"))
	table.Move(1)
	table.ToggleMark() // b
	table.SetRows(rows("x", "b", "c", "y"))
	if table.SelectedID() != "c" || strings.Join(table.Targets(), "") != "b" {
		t.Errorf("selected %q, targets %q; want c and b", table.SelectedID(), table.Targets())
	}
	table.SetRows(rows("x"))
	if table.SelectedID() != "x" || len(table.Marked()) != 0 {
		t.Errorf("selected %q, marked %q; want x and none", table.SelectedID(), table.Marked())
	}
}

func TestCleanLine(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[32mok\x1b[0m":      "ok",
		"10%\r50%\r100%\r":       "100%",
		"a\tb":                   "a       b",
		"\x1b[2Jx":               `\x1b[2Jx`,
		"bad\xff":                `bad\xff`,
		strings.Repeat("é", 1e5): strings.Repeat("é", MaxLine/2) + " [cut]",
	} {
		if got := CleanLine(engine.LogLine{Text: []byte(in)}); got.Text != want {
			t.Errorf("CleanLine(%.20q) = %.40q, want %.40q", in, got.Text, want)
		}
	}
}

// TestLogViewIsBounded appends far more than a window holds.
func TestLogViewIsBounded(t *testing.T) {
	v := LogView{Following: true, Wrap: true}
	v.SetSize(40, 10)
	for range 20 {
		v.Append(make([]LogLine, 500))
	}
	if v.Len() != Window || cap(v.lines) > 3*Window {
		t.Errorf("the view holds %d lines in room for %d, want %d", v.Len(), cap(v.lines), Window)
	}
}
