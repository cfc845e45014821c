package screens

import (
	"fmt"

	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Result shows the output of a command of the headless grammar, while it runs
// and afterwards.
type Result struct {
	textScreen
	cancel func()
	done   bool
	code   int
}

// ResultMsg is what a command has written so far.
type ResultMsg struct {
	Of    *Result
	Lines []string
	Done  bool
	Code  int
}

// NewResult returns the pane for a command line; cancel ends the command.
func NewResult(env *Env, line string, cancel func()) *Result {
	return &Result{textScreen: textScreen{env: env, title: ": " + line}, cancel: cancel}
}

// Init does nothing: the root feeds the pane.
func (s *Result) Init() tea.Cmd { return nil }

// Close ends the command if it still runs.
func (s *Result) Close() { s.cancel() }

// Update takes output in and stays at its end unless it was scrolled away.
func (s *Result) Update(msg tea.Msg) tea.Cmd {
	r, ok := msg.(ResultMsg)
	if !ok || r.Of != s {
		return nil
	}
	s.done, s.code = r.Done, r.Code
	atEnd := s.pager.AtBottom() && !s.done
	lines := make([]widget.TextLine, 0, len(r.Lines))
	for _, l := range r.Lines {
		lines = append(lines, widget.TextLine{{Text: l}})
	}
	if s.done && len(lines) == 0 {
		lines = append(lines, widget.TextLine{{Text: "it wrote nothing", Role: theme.Muted}})
	}
	s.pager.SetLines(lines)
	if atEnd {
		s.pager.Bottom()
	}
	return nil
}

// Summary says how the command ended.
func (s *Result) Summary() string {
	switch {
	case !s.done:
		return "running" + s.env.Theme.Glyphs.Ellipsis
	case s.code == 0:
		return s.env.Theme.Glyphs.Done + " done"
	default:
		return fmt.Sprintf("%s exit code %d", s.env.Theme.Glyphs.Failed, s.code)
	}
}

// Why adds nothing to what holds for all text.
func (s *Result) Why(action keymap.Action) string { return s.textScreen.Why(action) }
