package ui

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
	"github.com/kballard/go-shellquote"
)

// maxOutput is how many lines of a command's output are kept.
const maxOutput = 5000

// output gathers what a command writes, bounded. Changed is signalled without
// blocking whenever something new came in.
type output struct {
	changed chan struct{}
	done    chan struct{} // closed when the command has ended

	mu    sync.Mutex
	lines []string
	part  string // a line that has not ended
	code  int
}

func newOutput() *output {
	return &output{changed: make(chan struct{}, 1), done: make(chan struct{})}
}

// Write takes in text of either stream.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	lines := strings.Split(o.part+string(p), "\n")
	o.part = lines[len(lines)-1]
	if len(o.part) > 64<<10 {
		o.part = o.part[len(o.part)-64<<10:]
	}
	o.lines = append(o.lines, lines[:len(lines)-1]...)
	if over := len(o.lines) - maxOutput; over > 0 {
		o.lines = append([]string(nil), o.lines[over:]...)
	}
	o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

// snapshot returns the lines so far, each as it would stand on a terminal.
func (o *output) snapshot() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := slices.Clone(o.lines)
	if o.part != "" {
		lines = append(lines, o.part)
	}
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		lines[i] = strings.ReplaceAll(l[strings.LastIndexByte(l, '\r')+1:], "\t", "    ")
	}
	return lines
}

// outputMsg brings a result pane up to date; again waits for the next time.
type outputMsg struct {
	result screens.ResultMsg
	again  tea.Cmd
}

// runLine runs a line of the headless grammar. One that wants the terminal for
// itself gets it; the output of any other is shown in a pane.
func (r *root) runLine(line string) tea.Cmd {
	argv, err := shellquote.Split(line)
	if err != nil {
		return screens.Toast(theme.Warning, "the quotes do not match")
	}
	if len(argv) > 0 && argv[0] == "gantry" {
		argv = argv[1:]
	}
	switch {
	case len(argv) == 0:
		return nil
	case len(argv) == 1 && (argv[0] == "q" || argv[0] == "quit" || argv[0] == "exit"):
		return r.quit()
	case r.opts.Execute == nil:
		return screens.Toast(theme.Warning, "commands cannot be run here")
	case wantsTerminal(argv):
		return r.runInTerminal(line, argv)
	}
	ctx, cancel := context.WithCancel(r.env.Ctx)
	out := newOutput()
	pane := screens.NewResult(r.env, line, cancel)
	run := func() tea.Msg {
		defer close(out.done)
		defer cancel()
		out.code = r.opts.Execute(ctx, argv, strings.NewReader(""), out, out)
		return nil
	}
	return tea.Batch(r.open(pane), run, follow(pane, out))
}

// follow waits for output and paces it.
func follow(pane *screens.Result, out *output) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-out.changed:
			pause(changePace, out.done)
		case <-out.done:
		}
		msg := outputMsg{result: screens.ResultMsg{Of: pane, Lines: out.snapshot()}, again: follow(pane, out)}
		select {
		case <-out.done:
			msg.again, msg.result.Done, msg.result.Code = nil, true, out.code
			msg.result.Lines = out.snapshot()
		default:
		}
		return msg
	}
}

// wantsTerminal reports whether a command line is interactive.
func wantsTerminal(argv []string) bool {
	switch argv[0] {
	case "attach":
		return true
	case "run", "exec", "start":
	default:
		return false
	}
	for _, a := range argv[1:] {
		switch {
		case a == "--":
			return false
		case a == "--tty" || a == "--interactive" || a == "--attach":
			return true
		case len(a) > 1 && a[0] == '-' && a[1] != '-' && strings.ContainsAny(a, "it"):
			return true
		case len(a) > 0 && a[0] != '-':
			return false
		}
	}
	return false
}

// terminalCommand runs a headless command on the whole terminal.
type terminalCommand struct {
	run         func(in io.Reader, out, err io.Writer) int
	in          io.Reader
	out, errOut io.Writer
	code        int
}

func (c *terminalCommand) SetStdin(r io.Reader)  { c.in = r }
func (c *terminalCommand) SetStdout(w io.Writer) { c.out = unwrap(w) }
func (c *terminalCommand) SetStderr(w io.Writer) { c.errOut = w }

// Run runs the command.
func (c *terminalCommand) Run() error {
	c.code = c.run(c.in, c.out, c.errOut)
	_, _ = io.WriteString(c.out, resetModes)
	return nil
}

func (r *root) runInTerminal(line string, argv []string) tea.Cmd {
	c := &terminalCommand{run: func(in io.Reader, out, errOut io.Writer) int {
		return r.opts.Execute(r.env.Ctx, argv, in, out, errOut)
	}}
	return handOver(c, func(err error) tea.Msg {
		role := theme.Success
		if c.code != 0 || err != nil {
			role = theme.Warning
		}
		return screens.ToastMsg{Role: role, Text: exitText(line, c.code)}
	})
}
