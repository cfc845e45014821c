package screens

import (
	"fmt"

	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// textScreen is what all screens of scrolled text share.
type textScreen struct {
	env    *Env
	title  string
	pager  widget.Pager
	prompt *Prompt
	search string
}

func (s *textScreen) Title() string { return s.title }

func (s *textScreen) Scope() keymap.Scope { return keymap.Text }

func (s *textScreen) SetSize(width, height int) { s.pager.SetSize(width, height) }

func (s *textScreen) View() string { return s.pager.View(s.env.Theme) }

func (s *textScreen) Summary() string { return "" }

func (s *textScreen) Prompt() *Prompt { return s.prompt }

func (s *textScreen) Close() {}

func (s *textScreen) Status() string {
	first, last, of := s.pager.Position()
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d", first, last, of)
}

func (s *textScreen) Why(action keymap.Action) string {
	if s.search == "" && (action == keymap.TextNext || action == keymap.TextPrevious) {
		return "search for something first: " + s.env.Keys.Binding(keymap.TextSearch).Key()
	}
	return ""
}

func (s *textScreen) Do(action keymap.Action) tea.Cmd {
	switch action {
	case keymap.Up:
		s.pager.Move(-1)
	case keymap.Down:
		s.pager.Move(1)
	case keymap.PageUp:
		s.pager.Page(-1)
	case keymap.PageDown:
		s.pager.Page(1)
	case keymap.Top:
		s.pager.Top()
	case keymap.Bottom:
		s.pager.Bottom()
	case keymap.TextWrap:
		s.pager.ToggleWrap()
	case keymap.TextSearch:
		s.startSearch()
	case keymap.TextNext:
		return s.find(false, false)
	case keymap.TextPrevious:
		return s.find(true, false)
	case keymap.TextCopy:
		return tea.Batch(tea.SetClipboard(s.pager.Text()), Toast(theme.Plain, "copied the text"))
	}
	return nil
}

func (s *textScreen) startSearch() {
	s.prompt = &Prompt{
		Label: "search: ", Input: widget.NewInput("", ""),
		Accept: func(text string) tea.Cmd { s.prompt = nil; s.search = text; return s.find(false, true) },
		Cancel: func() tea.Cmd { s.prompt = nil; return nil },
	}
}

func (s *textScreen) find(back, fromHere bool) tea.Cmd {
	if !s.pager.Find(s.search, back, fromHere) && s.search != "" {
		return Toast(theme.Warning, fmt.Sprintf("%q is not in the text", s.search))
	}
	return nil
}
