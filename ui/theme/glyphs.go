package theme

import "strings"

// Glyphs are the signs beside words. Every one is a single cell wide.
type Glyphs struct {
	ASCII                                    bool
	Rule, Side                               string
	TopLeft, TopRight, BottomLeft, BottomEnd string
	Crumb, Ellipsis, Pointer, Mark, Dot      string
	Running, Paused, Exited, Failed, Created string
	Busy, Damaged, Done, Stderr              string
	Full, Empty                              string
	Up, Down, On, Off                        string
	Added, Changed, Removed, Shared, Within  string
	Open, Closed, Arrow                      string
}

// Unicode is for terminals with a UTF-8 locale.
var Unicode = Glyphs{
	Rule: "─", Side: "│", TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomEnd: "╯",
	Crumb: "›", Ellipsis: "…", Pointer: "›", Mark: "✓", Dot: "·",
	Running: "●", Paused: "‖", Exited: "○", Failed: "✗", Created: "◌",
	Busy: "↻", Damaged: "!", Done: "✓", Stderr: "▏",
	Full: "━", Empty: "─", Up: "↑", Down: "↓", On: "●", Off: "○",
	Added: "+", Changed: "~", Removed: "-", Shared: "=", Within: "·", Open: "▾", Closed: "▸", Arrow: "→",
}

// ASCII is for every other terminal.
var ASCII = Glyphs{
	ASCII: true,
	Rule:  "-", Side: "|", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomEnd: "+",
	Crumb: ">", Ellipsis: "~", Pointer: ">", Mark: "*", Dot: "-",
	Running: "*", Paused: "=", Exited: "o", Failed: "x", Created: ".",
	Busy: "%", Damaged: "!", Done: "+", Stderr: "!",
	Full: "#", Empty: ".", Up: "^", Down: "v", On: "x", Off: " ",
	Added: "+", Changed: "~", Removed: "-", Shared: "=", Within: ".", Open: "v", Closed: ">", Arrow: ">",
}

// GlyphsFor chooses by the locale in environ, as the C library would.
func GlyphsFor(environ []string) Glyphs {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := lookup(environ, name); v != "" {
			v = strings.ToLower(v)
			if strings.Contains(v, "utf-8") || strings.Contains(v, "utf8") {
				return Unicode
			}
			return ASCII
		}
	}
	return ASCII
}

// Fold replaces what a terminal without UTF-8 cannot show. Painted text may be
// folded: its escapes are plain ASCII.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '?'
		}
		return r
	}, s)
}

// lookup returns the last value of name in environ.
func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(environ[i], name+"="); ok {
			return v
		}
	}
	return ""
}
