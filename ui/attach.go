package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"gantry/engine"
	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sync/errgroup"
)

// attach hands the terminal to a process: raw bytes both ways, nothing drawn
// over it, until it ends or is left.
func (r *root) attach(req screens.AttachRequest) tea.Cmd {
	c := &attachCommand{ctx: r.env.Ctx, processes: r.backend.Processes, req: req, key: r.opts.DetachKey, glyphs: r.env.Theme.Glyphs}
	return handOver(c, func(err error) tea.Msg {
		name := req.Name
		if c.shell != "" {
			name = c.shell + " in " + name
		}
		return screens.AttachEndedMsg{Name: name, Result: c.result, Err: err}
	})
}

// attachCommand is what the terminal is given up for. It lives for one Run,
// and ctx is the program's.
type attachCommand struct {
	ctx       context.Context
	processes Processes
	req       screens.AttachRequest
	key       byte
	glyphs    theme.Glyphs

	in     io.Reader
	out    io.Writer
	result engine.Result
	shell  string // the one that was started
}

// SetStdin is called by Bubble Tea before Run, and so are the others.
func (c *attachCommand) SetStdin(r io.Reader) { c.in = r }

// SetStdout sets where the process's output goes.
func (c *attachCommand) SetStdout(w io.Writer) { c.out = unwrap(w) }

// SetStderr is not used: the terminal is one.
func (c *attachCommand) SetStderr(io.Writer) {}

// errNoShell says that none of the shells we know is in the container.
var errNoShell = errors.New("no shell in the container")

// Run connects and streams. With several shells it takes the first that is
// there.
func (c *attachCommand) Run() error {
	t, err := openTerminal(c.in, c.out)
	if err != nil {
		return err
	}
	defer t.restore()
	if len(c.req.Shells) == 0 {
		s, err := c.open(t)
		if err != nil {
			return err
		}
		return c.converse(t, s)
	}
	for _, shell := range c.req.Shells {
		found, tried := c.tryShell(t, shell)
		if found {
			return tried
		}
		err = tried
	}
	if err == nil || missing(err) {
		err = fmt.Errorf("%w: tried %s", errNoShell, strings.Join(c.req.Shells, ", "))
	}
	return err
}

// tryShell runs shell. It is not found when it could not be started, for
// whatever reason, or ended at once saying so.
func (c *attachCommand) tryShell(t *terminal, shell string) (found bool, err error) {
	cols, rows := t.size()
	s, err := c.processes.Exec(c.ctx, c.req.ID, engine.ExecSpec{
		Args: []string{shell}, Env: []string{"TERM=xterm-256color"}, Tty: true, OpenStdin: true, Cols: cols, Rows: rows,
	})
	if err != nil {
		return false, err
	}
	c.shell = shell
	t.written = 0
	err = c.converse(t, s)
	if err == nil && c.result.ExitCode == notFound && t.written == 0 {
		c.shell = ""
		return false, nil
	}
	return true, err
}

// notFound is the exit code of a program that is not there.
const notFound = 127

// missing reports whether an exec failed because the file is not there; the
// supervisor's error comes as text and an exit code.
func missing(err error) bool {
	var coded interface{ ExitCode() int }
	return errors.As(err, &coded) && coded.ExitCode() == notFound
}

func (c *attachCommand) open(t *terminal) (Session, error) {
	cols, rows := t.size()
	o := engine.AttachOptions{Session: c.req.Session, Replay: true, Cols: cols, Rows: rows}
	if c.req.Start {
		o.Replay = false
		return c.processes.StartAttached(c.ctx, c.req.ID, o)
	}
	return c.processes.Attach(c.ctx, c.req.ID, o)
}

// converse streams until the process ends, the user leaves or the program is
// told to end. The size is set before the first byte.
func (c *attachCommand) converse(t *terminal, s Session) error {
	defer s.Close()
	if s.Tty() {
		_ = s.Resize(t.size())
	}
	_, _ = io.WriteString(c.out, c.banner(s.Tty()))
	ctx, leave := context.WithCancel(c.ctx)
	defer leave()
	in, err := newDetachReader(c.in, c.key, ctx, leave)
	if err != nil {
		return err
	}
	var sizes errgroup.Group
	sizes.Go(func() error { t.follow(ctx, s); return nil })
	result, err := s.Stream(ctx, t.streams(in, s))
	left := ctx.Err() != nil
	leave()
	in.stop()
	_ = sizes.Wait()
	_, _ = io.WriteString(c.out, resetModes)
	if left {
		result.Detached, err = true, nil
	}
	c.result = result
	return err
}

// banner says whose terminal this is now, how to leave it, and what ctrl-c
// will do.
func (c *attachCommand) banner(tty bool) string {
	what, ctrlC := "attached to "+c.req.Name, "ctrl-c goes to the program, and may stop the container"
	if c.shell != "" {
		what, ctrlC = c.shell+" in "+c.req.Name, "ctrl-c goes to the shell"
	} else if c.req.Session != "" {
		what, ctrlC = "back in "+c.req.Name, "ctrl-c goes to the program"
	}
	if !tty {
		ctrlC = "ctrl-c sends it SIGINT, ctrl-d ends its input"
	}
	key := keyName(c.key)
	rule := strings.Repeat(c.glyphs.Rule, 2)
	return fmt.Sprintf("\r\n%s gantry: %s\r\n%s %s leaves it running, %s twice sends it; %s\r\n\r\n",
		rule, engine.Printable(what), rule, key, key, ctrlC)
}

// keyName names a control character as it is typed.
func keyName(key byte) string {
	if key < 0x20 {
		return "ctrl-" + strings.ToLower(string(rune(key+0x40)))
	}
	return string(rune(key))
}

// left tells how an attached process was left.
func (r *root) left(msg screens.AttachEndedMsg) tea.Cmd {
	dropped := ""
	if n := msg.Result.Dropped; n > 0 {
		dropped = fmt.Sprintf("; %d bytes were skipped, this terminal was too slow", n)
	}
	switch {
	case errors.Is(msg.Err, errNoShell):
		return screens.Toast(theme.Warning, msg.Name+": "+msg.Err.Error())
	case msg.Err != nil:
		return r.ask(screens.Notice(r.env, "attaching to "+msg.Name, msg.Err.Error()))
	case msg.Result.Detached:
		return screens.Toast(theme.Plain, "left "+msg.Name+"; it runs on"+dropped)
	case msg.Result.Lost:
		return screens.Toast(theme.Danger, msg.Name+": its supervisor vanished")
	case msg.Result.ExitCode == 0:
		return screens.Toast(theme.Success, exitText(msg.Name, 0)+dropped)
	default:
		return screens.Toast(theme.Warning, exitText(msg.Name, msg.Result.ExitCode)+dropped)
	}
}

func exitText(name string, code int) string { return fmt.Sprintf("%s exited %d", name, code) }
