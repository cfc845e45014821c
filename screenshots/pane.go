package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// pane is a program in a pseudo-terminal whose screen can be read.
type pane struct {
	cmd    *exec.Cmd
	tty    *os.File
	screen *vt.SafeEmulator
	last   atomic.Int64 // unix nanoseconds of the last output
	done   chan struct{}
}

func openPane(cmd *exec.Cmd, cols, rows int) (*pane, error) {
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		return nil, err
	}
	p := &pane{cmd: cmd, tty: tty, screen: vt.NewSafeEmulator(cols, rows), done: make(chan struct{})}
	go func() { // answers of the terminal to the program's questions; ends with the emulator
		_, _ = io.Copy(tty, p.screen)
	}()
	go func() { // ends when the program closes its side
		defer close(p.done)
		buf := make([]byte, 64<<10)
		for {
			n, err := tty.Read(buf)
			if err != nil {
				return
			}
			_, _ = p.screen.Write(buf[:n])
			p.last.Store(time.Now().UnixNano())
		}
	}()
	return p, nil
}

func (p *pane) send(s string) error {
	_, err := io.WriteString(p.tty, s)
	return err
}

var keys = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdown": "\x1b[6~",
}

// key presses one key and waits until the screen is quiet.
func (p *pane) key(name string) error {
	seq, ok := keys[name]
	switch {
	case ok:
	case len(name) == 6 && strings.HasPrefix(name, "ctrl+"):
		seq = string(rune(name[5] & 0x1f))
	case len(name) == 1:
		seq = name
	default:
		return fmt.Errorf("unknown key %q", name)
	}
	if err := p.send(seq); err != nil {
		return err
	}
	p.settle()
	return nil
}

// settle waits until nothing was drawn for a while, at most two seconds.
func (p *pane) settle() {
	const quiet = 250 * time.Millisecond
	tick := time.NewTicker(quiet / 5)
	defer tick.Stop()
	start := time.Now()
	for range tick.C {
		idle := time.Since(time.Unix(0, p.last.Load()))
		if (idle > quiet && time.Since(start) > quiet) || time.Since(start) > 2*time.Second {
			return
		}
	}
}

// wait returns once the screen shows text.
func (p *pane) wait(text string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(15 * time.Second)
	for range tick.C {
		if strings.Contains(p.text(), text) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the screen never showed %q:\n%s", text, p.text())
		}
	}
	return nil
}

// text is the screen without its colours.
func (p *pane) text() string {
	var b strings.Builder
	for y := range p.screen.Height() {
		for x := range p.screen.Width() {
			if c := p.screen.CellAt(x, y); c != nil {
				b.WriteString(c.Content)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (p *pane) close() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	<-p.done
	_ = p.tty.Close()
}
