package theme

import (
	"slices"
	"strings"
)

// families are the terminals whose abilities the renderer knows by name.
var families = []string{
	"alacritty", "contour", "foot", "ghostty", "kitty", "linux", "rio", "screen", "st", "tmux", "wezterm", "xterm",
}

// Terminal is what the environment says of the terminal.
type Terminal struct {
	Dumb    bool // it cannot move its cursor
	Colour  bool
	Environ []string // with TERM replaced when it is not a name we know
}

// Detect reads environ. A TERM nobody knows is taken for an xterm: nearly every
// terminal in use understands its sequences.
func Detect(environ []string) Terminal {
	term := lookup(environ, "TERM")
	t := Terminal{
		Dumb:    term == "dumb",
		Colour:  lookup(environ, "NO_COLOR") == "",
		Environ: environ,
	}
	family, _, _ := strings.Cut(term, "-")
	if !t.Dumb && !slices.Contains(families, family) {
		t.Environ = append(slices.Clone(environ), "TERM=xterm-256color")
	}
	return t
}
