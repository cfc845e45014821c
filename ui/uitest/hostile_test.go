package uitest

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gantry/engine"
)

// hostile are strings that steer a terminal, change its layout or are not text.
var hostile = []string{
	"\x1b[2J", "\x1b[H", "\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07", "\x1b]8;;http://evil\x07x\x1b]8;;\x07",
	"\x1b[31mred", "\x1b[?1049l", "\x1b[?25l", "\x1bc", "\x1b#8", "\x1b[6n", "\x1b[c", "\x1b[5n", "\x1bP$q\x1b\\",
	"\x1b_Gf=100;AAAA\x1b\\", "\x1b^pm\x1b\\", "\x1bX sos\x1b\\", "\x1b[20t", "\x1b[8;1;1t", "\x1b[?1000h",
	"\x9b2J", "\u009b31m", "\u009d0;owned\u009c", "a\nb", "a\r\nb", "a\rb", "a\x08\x08b", "a\tb", "a\vb", "a\fb",
	"a\x00b", "a\x7fb", "a\x0eb\x0f", "\u202eevil\u202c", "\u2066x\u2069", "zero\u200bwidth", "soft\u00adhyphen",
	"line\u2028sep", "para\u2029sep", "bad\xff\xfeutf8", "\xed\xa0\x80", "\ufeffbom", "e\u0301\u0302\u0303combining", "👩‍👩‍👧 family", "🇩🇪 flag", "日本語のなまえ",
	strings.Repeat("A", 5000), "\x1b[" + strings.Repeat("9", 4000) + "m",
}

// escapes finds every escape sequence in what the program wrote.
var escapes = regexp.MustCompile("\x1b(\\[[0-9;:?<>=$]*[ -/]*[@-~]|[=>78MEDH]|\\][^\x07\x1b]*(\x07|\x1b\\\\))")

// ours are the sequences the program itself has reason to write: cursor moves,
// erasing, scrolling, styles and modes.
var ours = regexp.MustCompile("^\x1b(\\[[0-9;]*[ABCDEFGHIJKLMPSTXZ@`abdefmr]|\\[[?=><]?[0-9;]*[hlumnpq]|\\[[0-9] q|\\[\\?[0-9]+\\$p|[=>78MEDH])$")

// forbidden are parts of the corpus that must never reach the terminal raw.
var forbidden = []string{"\x1b]0;", "\x1b]52;", "\x1b]8;", "\x1bc", "\x1b#8", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1b[6n", "\x1b[20t", "\x1b[8;1;1t", "\u202e", "\u2066", "\u200b", "\u2028", "\x00", "\x7f"}

func TestHostileStrings(t *testing.T) {
	for i, s := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			d := Start(t, Config{Width: 120, Height: 40, Backend: hostileFake(s).Backend()})
			d.WaitFor("last-image").Settle()
			d.checkRows("last-image")
			d.Press("j", "i").WaitFor("History").Settle()
			d.Press("esc", "2").WaitFor("last-container").Settle()
			d.checkRows("last-container")
			d.Press("j", "i").WaitFor("On this").Settle()
			d.Press("esc", "d").WaitFor("delete").Press("esc", "l").WaitFor("end of test").Settle()
			d.Press("w").Settle().Press("esc").WaitFor("last-container")
			d.Press("1", "P").WaitFor("pull an").Type("zzz\r").WaitFor("failed").Settle()
			d.audit()
		})
	}
}

func hostileFake(s string) *Fake {
	image := Image(2, 1, day, s+":"+s)
	image.Config.Config.Labels = map[string]string{s: s}
	image.Config.Config.Env = []string{"X=" + s}
	image.Config.Config.Cmd = []string{s}
	c := Container(1, s, s, engine.Exited)
	c.Config.Cmd, c.Config.Env, c.Config.Hostname = []string{s}, []string{"A=" + s}, s
	c.Config.Labels = map[string]string{s: s}
	c.State.Error, c.State.Reason = s, s
	damaged := Container(2, "", "", engine.Exited)
	damaged.Damaged = s
	f := NewFake(
		[]engine.Image{Image(1, 1, day, "first-image"), image, Image(3, 1, day, "last-image")},
		[]engine.Container{Container(0, "first-container", "x", engine.Running), c, damaged, Container(3, "last-container", "x", engine.Running)})
	f.SetHistory([]engine.HistoryEntry{{CreatedBy: s, Comment: s}})
	f.WriteLog(s, "E "+s, "end of test")
	return f
}

// checkRows tests that the hostile row took exactly one line.
func (d *Driver) checkRows(last string) {
	d.t.Helper()
	want := map[string]int{"last-image": 5, "last-container": 6}[last]
	lines := d.Lines()
	if len(lines) != 40 || !strings.Contains(lines[want], last) || !strings.HasPrefix(lines[0], " gantry") {
		d.t.Errorf("%s is not on line %d:\n%s", last, want, d.Screen())
	}
}

// audit tests that the program wrote no sequence that is not its own.
func (d *Driver) audit() {
	d.t.Helper()
	raw := d.Raw()
	for _, s := range escapes.FindAll(raw, -1) {
		if !ours.Match(s) {
			d.t.Errorf("the program wrote %q", s)
		}
	}
	rest := escapes.ReplaceAll(raw, nil)
	if i := bytes.IndexByte(rest, 0x1b); i >= 0 {
		d.t.Errorf("the program wrote a stray escape: %q", rest[i:min(len(rest), i+20)])
	}
	for _, part := range forbidden {
		if bytes.Contains(raw, []byte(part)) {
			d.t.Errorf("the program wrote %q", part)
		}
	}
}
