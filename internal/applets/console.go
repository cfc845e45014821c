package applets

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

var errInterrupted = errors.New("interrupted")

// console reads edited lines from the terminal. The terminal is raw only while
// a line is being read, so commands find it as they expect.
type console struct {
	term    *term.Terminal
	history history
	tty     *ttyReader
}

func newConsole() *console {
	c := &console{tty: &ttyReader{}}
	c.reset()
	return c
}

func (c *console) reset() {
	c.term = term.NewTerminal(c.tty, "")
	c.term.History = &c.history
}

// readLine returns errInterrupted for ^C and io.EOF for ^D on an empty line.
func (c *console) readLine(prompt string) (string, error) {
	state, err := term.MakeRaw(0)
	if err != nil {
		return "", err
	}
	if w, h, err := term.GetSize(0); err == nil && w > 0 && h > 0 {
		_ = c.term.SetSize(w, h)
	}
	c.term.SetPrompt(prompt)
	line, err := c.term.ReadLine()
	if rerr := term.Restore(0, state); rerr != nil && err == nil {
		err = rerr
	}
	if c.tty.interrupted {
		c.tty.interrupted = false
		c.reset()
		fmt.Fprintln(os.Stdout, "^C")
		return "", errInterrupted
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}

// ttyReader is the terminal, noting ^C: the line editor reports it as the end
// of input, like ^D.
type ttyReader struct{ interrupted bool }

func (t *ttyReader) Read(p []byte) (int, error) {
	n, err := os.Stdin.Read(p)
	if i := bytes.IndexByte(p[:max(n, 0)], 3); i >= 0 {
		t.interrupted = true
		n = i + 1
	}
	return n, err
}

func (t *ttyReader) Write(p []byte) (int, error) { return os.Stdout.Write(p) }

// history keeps the lines worth repeating, newest last.
type history []string

const historyLen = 500

// Add remembers a line unless it is blank or repeats the one before.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(*h) > 0 && (*h)[len(*h)-1] == line {
		return
	}
	if *h = append(*h, line); len(*h) > historyLen {
		*h = (*h)[1:]
	}
}

// Len is the number of lines kept.
func (h *history) Len() int { return len(*h) }

// At is the line i steps back.
func (h *history) At(i int) string { return (*h)[len(*h)-1-i] }
