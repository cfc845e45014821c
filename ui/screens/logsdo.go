package screens

import (
	"fmt"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Do carries out an action.
func (s *Logs) Do(action keymap.Action) tea.Cmd {
	s.memo = ""
	if s.source == nil {
		return nil
	}
	switch action {
	case keymap.Up:
		return s.move(-1)
	case keymap.Down:
		return s.move(1)
	case keymap.PageUp:
		return s.page(-1)
	case keymap.PageDown:
		return s.page(1)
	case keymap.Top:
		s.view.Following = false
		return s.start()
	case keymap.Bottom:
		return s.tail()
	case keymap.Follow:
		if s.view.Following {
			s.view.Following = false
			s.view.Move(0)
			return nil
		}
		return s.tail()
	case keymap.Timestamps:
		s.view.Timestamps = !s.view.Timestamps
		s.view.Move(0)
	case keymap.Wrap:
		s.view.Wrap = !s.view.Wrap
		s.view.Move(0)
	case keymap.Search:
		s.askSearch()
	case keymap.Next:
		return s.next(true)
	case keymap.Previous:
		return s.next(false)
	case keymap.Save:
		s.askSave()
	case keymap.CopyLine:
		return s.copyLine()
	}
	return nil
}

// Why says why an action cannot be done now.
func (s *Logs) Why(action keymap.Action) string {
	switch action {
	case keymap.Next, keymap.Previous:
		if s.search == "" {
			return "search for something first: " + s.env.Keys.Binding(keymap.Search).Key()
		}
	case keymap.CopyLine:
		if s.view.Len() == 0 {
			return "there is no line to copy"
		}
	}
	return ""
}

// move moves the selection; moving up stops following.
func (s *Logs) move(n int) tea.Cmd {
	if n < 0 {
		s.view.Following = false
	}
	s.view.Move(n)
	return s.edge()
}

func (s *Logs) page(n int) tea.Cmd {
	if n < 0 {
		s.view.Following = false
	}
	s.view.Page(n)
	return s.edge()
}

// edge fetches what lies beyond the window when the selection nears its edge.
func (s *Logs) edge() tea.Cmd {
	if s.fetching || s.view.Following || s.view.Len() == 0 {
		return nil
	}
	switch {
	case s.view.NearStart() && s.view.First() != (engine.LogPos{}):
		s.fetching = true
		return s.fetch(s.view.First(), true)
	case s.view.NearEnd() && s.view.Last() != s.end:
		s.fetching = true
		return s.fetch(s.view.Last(), false)
	}
	return nil
}

func (s *Logs) askSearch() {
	s.prompt = &Prompt{
		Label: "search: ", Input: widget.NewInput("", ""),
		Accept: func(text string) tea.Cmd {
			s.prompt = nil
			s.search, s.view.Match = text, text
			if text == "" {
				return nil
			}
			return s.find(s.end, true, text)
		},
		Cancel: func() tea.Cmd { s.prompt = nil; return nil },
	}
}

func (s *Logs) next(back bool) tea.Cmd {
	line, ok := s.view.Selected()
	if !ok || s.search == "" {
		return nil
	}
	p := line.Line.Pos
	if !back {
		p = line.Line.Next
	}
	return s.find(p, back, s.search)
}

func (s *Logs) found(msg logFoundMsg) tea.Cmd {
	switch {
	case msg.err != nil:
		return failed(s.env, "searching", msg.err)
	case msg.text != s.search:
		return nil
	case !msg.found:
		return Toast(theme.Warning, fmt.Sprintf("no further %q", msg.text))
	}
	s.view.Following = false
	if !s.view.Select(msg.line.Pos) {
		s.view.Reset(msg.lines, msg.at)
	}
	return nil
}

func (s *Logs) askSave() {
	s.prompt = &Prompt{
		Label: "save as: ", Input: widget.NewInput(s.name+".log", ""),
		Accept: func(path string) tea.Cmd {
			s.prompt = nil
			if path == "" {
				return nil
			}
			return s.save(path)
		},
		Cancel: func() tea.Cmd { s.prompt = nil; return nil },
	}
}

func (s *Logs) copyLine() tea.Cmd {
	if line, ok := s.view.Selected(); ok {
		return tea.Batch(tea.SetClipboard(line.Text), Toast(theme.Plain, "copied the line"))
	}
	return nil
}
