package headless

import (
	"errors"
	"fmt"
	"strings"
)

// Globals are the options in front of the command.
type Globals struct {
	Root    string // --root: where images and containers are kept
	RunDir  string // --run-dir: where sockets and locks are
	Cmd     string // --cmd: a command line to run without screens
	NoColor bool
	Version bool
	Help    bool
}

var errHost = errors.New("-H is refused: there is no daemon to connect to; " +
	"to work on another host, run gantry there over ssh")

// ParseGlobals reads the options in front of the command and returns what
// follows them. The main program calls it to learn where the store is and
// whether to draw screens: it does when neither Cmd nor a command is given.
func ParseGlobals(argv []string) (Globals, []string, error) {
	var g Globals
	values := map[string]*string{"root": &g.Root, "run-dir": &g.RunDir, "cmd": &g.Cmd}
	switches := map[string]*bool{"no-color": &g.NoColor,
		"version": &g.Version, "v": &g.Version, "help": &g.Help, "h": &g.Help}
	for len(argv) > 0 {
		arg := argv[0]
		if arg == "--" {
			return g, argv[1:], nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			break
		}
		argv = argv[1:]
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if strings.HasPrefix(arg, "-H") || name == "host" && strings.HasPrefix(arg, "--") {
			return g, nil, errHost
		}
		if on, known := switches[name]; known && !given && strings.HasPrefix(arg, "--") == (len(name) > 1) {
			*on = true
			continue
		}
		into, known := values[name]
		if !known || !strings.HasPrefix(arg, "--") {
			return g, nil, unknownFlag(arg)
		}
		if !given {
			if len(argv) == 0 {
				return g, nil, fmt.Errorf("flag needs an argument: --%s", name)
			}
			value, argv = argv[0], argv[1:]
		}
		if value == "" {
			return g, nil, fmt.Errorf("flag needs an argument: --%s", name)
		}
		*into = value
	}
	return g, argv, nil
}

func unknownFlag(arg string) error {
	name, _, _ := strings.Cut(arg, "=")
	if strings.HasPrefix(arg, "--") {
		return fmt.Errorf("unknown flag: %s", name)
	}
	return fmt.Errorf("unknown shorthand flag: '%c' in %s", []rune(name)[1], arg)
}
