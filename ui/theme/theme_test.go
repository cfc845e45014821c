package theme

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestGlyphsAreOneCell(t *testing.T) {
	for _, g := range []Glyphs{Unicode, ASCII} {
		v := reflect.ValueOf(g)
		for i := range v.NumField() {
			if v.Field(i).Kind() != reflect.String {
				continue
			}
			s := v.Field(i).String()
			if ansi.StringWidth(s) != 1 {
				t.Errorf("glyph %s = %q is %d cells wide, want 1", v.Type().Field(i).Name, s, ansi.StringWidth(s))
			}
			if g.ASCII && s != Fold(s) {
				t.Errorf("glyph %s = %q is not ASCII", v.Type().Field(i).Name, s)
			}
		}
	}
}

func TestNoColourKeepsAttributesOnly(t *testing.T) {
	th := New(false, Unicode)
	for role := Plain; role < count; role++ {
		s := th.Paint(role, "x")
		for _, colour := range []string{"3", "4", "9", "10"} {
			for i := range 8 {
				if strings.Contains(s, colour+string(rune('0'+i))) {
					t.Errorf("role %d has a colour: %q", role, s)
				}
			}
		}
	}
	if th.Paint(Selected, "x") == "x" || th.Paint(Danger, "x") == "x" {
		t.Error("selected and danger must show without colour")
	}
}

func TestDetect(t *testing.T) {
	tests := []struct {
		environ  []string
		dumb     bool
		colour   bool
		wantTerm string
	}{
		{[]string{"TERM=xterm-256color"}, false, true, "xterm-256color"},
		{[]string{"TERM=screen.xterm-new", "NO_COLOR=1"}, false, false, "xterm-256color"},
		{[]string{"TERM=tmux-256color"}, false, true, "tmux-256color"},
		{[]string{"TERM=dumb"}, true, true, "dumb"},
		{[]string{"TERM=weird-thing"}, false, true, "xterm-256color"},
		{nil, false, true, "xterm-256color"},
	}
	for _, tt := range tests {
		got := Detect(tt.environ)
		if got.Dumb != tt.dumb || got.Colour != tt.colour || lookup(got.Environ, "TERM") != tt.wantTerm {
			t.Errorf("Detect(%v) = %+v, want dumb %v colour %v TERM %s", tt.environ, got, tt.dumb, tt.colour, tt.wantTerm)
		}
	}
	if !slices.Contains(families, "xterm") {
		t.Error("xterm is not a known family")
	}
}

func TestGlyphsFor(t *testing.T) {
	if !GlyphsFor([]string{"LANG=C", "LC_ALL=de_DE.UTF-8"}).ASCII == false {
		t.Error("LC_ALL=de_DE.UTF-8 must give Unicode")
	}
	for _, environ := range [][]string{nil, {"LANG=C"}, {"LC_ALL=POSIX", "LANG=en_US.UTF-8"}} {
		if !GlyphsFor(environ).ASCII {
			t.Errorf("GlyphsFor(%v) is not ASCII", environ)
		}
	}
}
