package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A scene is a text file of one step a line:
//
//	size COLS ROWS   the terminal, before start
//	start [ARG...]   run gantry with these arguments
//	wait TEXT        until the screen shows TEXT
//	key NAME...      press keys: enter, esc, tab, up, down, ctrl+x or a letter
//	type TEXT        type TEXT as it stands
//	shot NAME        write the screen to NAME.svg
//
// Lines that start with # are remarks.
func play(path string, st *stage, out string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	p := &player{stage: st, out: out, cols: 120, rows: 40}
	defer p.end()
	sc := bufio.NewScanner(f)
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		if err := p.step(verb, strings.TrimSpace(rest)); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return sc.Err()
}

type player struct {
	stage      *stage
	out        string
	cols, rows int
	pane       *pane
}

func (p *player) step(verb, rest string) (err error) {
	if p.pane == nil && verb != "size" && verb != "start" {
		return fmt.Errorf("%s before start", verb)
	}
	switch verb {
	case "size":
		cols, rows, _ := strings.Cut(rest, " ")
		if p.cols, err = strconv.Atoi(cols); err == nil {
			p.rows, err = strconv.Atoi(rows)
		}
		return err
	case "start":
		p.pane, err = openPane(p.stage.command(strings.Fields(rest)...), p.cols, p.rows)
		return err
	case "wait":
		return p.pane.wait(rest)
	case "key":
		for _, name := range strings.Fields(rest) {
			if err := p.pane.key(name); err != nil {
				return err
			}
		}
		return nil
	case "type":
		return p.pane.send(rest)
	case "shot":
		p.pane.settle()
		return os.WriteFile(filepath.Join(p.out, rest+".svg"), []byte(p.pane.svg("gantry: "+rest)), 0o644)
	default:
		return fmt.Errorf("unknown step %q", verb)
	}
}

func (p *player) end() {
	if p.pane != nil {
		p.pane.close()
	}
}
