package screens

import (
	"context"
	"fmt"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Logs shows what a container writes. It holds a window of the log, fetched
// by position, so that its memory does not grow with the log.
type Logs struct {
	env    *Env
	id     string
	name   string
	view   widget.LogView
	source LogSource
	cancel context.CancelFunc
	wait   func(from engine.LogPos) tea.Cmd // the one command that waits for growth

	end      engine.LogPos // where the log ended when last heard of
	fresh    int           // lines written while held still
	more     bool          // and more than that
	ended    bool          // the container is not writing
	waiting  bool
	fetching bool
	err      error
	search   string
	prompt   *Prompt
	memo     string
}

// NewLogs returns the logs screen of c.
func NewLogs(env *Env, c engine.Container) *Logs {
	s := &Logs{env: env, id: c.ID, name: displayName(c)}
	s.view.Following = true
	return s
}

// Title is the breadcrumb.
func (s *Logs) Title() string { return engine.Printable(s.name) + " logs" }

// Scope is where the screen's keys are in the table.
func (s *Logs) Scope() keymap.Scope { return keymap.Logs }

// Init opens the log and starts waiting for it to grow.
func (s *Logs) Init() tea.Cmd {
	ctx, cancel := context.WithCancel(s.env.Ctx)
	s.cancel = cancel
	s.wait = func(from engine.LogPos) tea.Cmd { return s.grow(ctx, s.source, from) }
	return s.open(ctx)
}

// Close stops waiting and closes the log.
func (s *Logs) Close() { s.cancel() }

// SetSize says how many cells the screen has.
func (s *Logs) SetSize(width, height int) {
	s.view.SetSize(width, height)
	s.memo = ""
}

// View draws the window, or why there is none.
func (s *Logs) View() string {
	if s.memo == "" {
		s.memo = s.view.View(s.env.Theme)
	}
	return s.memo
}

// Update takes in what was read.
func (s *Logs) Update(msg tea.Msg) tea.Cmd {
	s.memo = ""
	switch msg := msg.(type) {
	case logOpenedMsg:
		if msg.of == s {
			s.source, s.err = msg.source, msg.err
			return s.atTail(msg.lines)
		}
	case logTailMsg:
		if msg.of == s {
			s.fetching, s.err = false, msg.err
			return s.atTail(msg.lines)
		}
	case logGrewMsg:
		if msg.of == s {
			return s.grew(msg)
		}
	case logFetchedMsg:
		if msg.of == s {
			s.fetched(msg)
		}
	case logFoundMsg:
		if msg.of == s {
			return s.found(msg)
		}
	case logSavedMsg:
		if msg.of == s && msg.err != nil {
			return failed(s.env, "saving the log", msg.err)
		} else if msg.of == s {
			return Toast(theme.Success, fmt.Sprintf("saved %s to %s", widget.Size(msg.bytes), msg.path))
		}
	case ChangedMsg:
		if msg.Kinds["containers"] && s.source != nil {
			return s.rearm()
		}
	}
	return nil
}

// atTail shows the log's newest lines and goes on waiting.
func (s *Logs) atTail(lines []widget.LogLine) tea.Cmd {
	if s.err != nil {
		return nil
	}
	s.view.Following = true
	s.view.Reset(lines, len(lines)-1)
	s.end, s.fresh, s.more = s.view.Last(), 0, false
	return s.rearm()
}

// rearm waits for growth unless something already does.
func (s *Logs) rearm() tea.Cmd {
	if s.waiting {
		return nil
	}
	s.waiting = true
	return s.wait(s.end)
}

func (s *Logs) grew(msg logGrewMsg) tea.Cmd {
	s.waiting, s.ended = false, msg.ended
	if msg.err != nil {
		s.err = msg.err
		return nil
	}
	if len(msg.lines) > 0 {
		s.take(msg)
	}
	if s.ended {
		return nil
	}
	return s.rearm()
}

func (s *Logs) take(msg logGrewMsg) {
	last := msg.lines[len(msg.lines)-1].Line.Next
	switch {
	case !s.view.Following:
		s.fresh += len(msg.lines)
		s.more = s.more || msg.skipped
	case msg.from != s.view.Last() && s.view.Len() > 0:
		return // the window moved meanwhile; a newer answer is under way
	case msg.skipped:
		s.view.Reset(msg.lines, len(msg.lines)-1)
	default:
		s.view.Append(msg.lines)
	}
	s.end = last
}

func (s *Logs) fetched(msg logFetchedMsg) {
	s.fetching = false
	switch {
	case msg.err != nil || s.view.Following:
	case msg.before && msg.at == s.view.First():
		s.view.Prepend(msg.lines)
	case !msg.before && msg.at == s.view.Last():
		s.view.Append(msg.lines)
	case msg.replace:
		s.view.Reset(msg.lines, msg.cursor)
	}
}

// Summary says what the log is of.
func (s *Logs) Summary() string { return "" }

// Status says whether the view follows the log.
func (s *Logs) Status() string {
	dot := " " + s.env.Theme.Glyphs.Dot + " "
	text := "following"
	switch {
	case s.err != nil:
		return "cannot read the log: " + oneLine(s.err)
	case s.source == nil:
		return ""
	case !s.view.Following:
		text = "paused"
		if s.fresh > 0 {
			text += fmt.Sprintf(", %d%s new", s.fresh, map[bool]string{true: "+"}[s.more])
		}
	case s.view.Len() == 0 && s.ended:
		text = "it wrote nothing"
	case s.ended:
		text = "end of the log" + dot + "it does not run"
	case s.view.Len() == 0:
		text = "nothing written yet"
	}
	if s.search != "" {
		text += dot + "search: " + s.search
	}
	return text
}

// Prompt is the search or the file name while it is typed.
func (s *Logs) Prompt() *Prompt { return s.prompt }
