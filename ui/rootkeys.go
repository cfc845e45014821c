package ui

import (
	"slices"
	"strings"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

// key gives a key to the topmost dialog, else to a prompt, else finds the
// action it means on the screen.
func (r *root) key(msg tea.KeyPressMsg) tea.Cmd {
	if r.tooSmall() {
		if r.env.Keys.Is(keymap.Everywhere, msg.String(), keymap.Quit) {
			return tea.Quit
		}
		return nil
	}
	if n := len(r.dialogs); n > 0 {
		d := r.dialogs[n-1]
		cmd, done := d.Key(msg)
		if done {
			r.dialogs = slices.DeleteFunc(r.dialogs, func(other screens.Dialog) bool { return other == d })
		}
		return cmd
	}
	if p := r.top().Prompt(); p != nil {
		return r.promptKey(p, msg)
	}
	if b, ok := r.env.Keys.Lookup(r.top().Scope(), msg.String()); ok {
		return r.act(b.Action)
	}
	return nil
}

func (r *root) promptKey(p *screens.Prompt, msg tea.KeyPressMsg) tea.Cmd {
	switch b, _ := r.env.Keys.Lookup(keymap.Dialogs, msg.String()); b.Action {
	case keymap.Accept:
		return p.Accept(p.Input.Value())
	case keymap.Cancel:
		return p.Cancel()
	case keymap.NextField:
		if p.Next != nil {
			return p.Next()
		}
	}
	if p.Input.Update(msg) && p.Live {
		return p.Typed(p.Input.Value())
	}
	return nil
}

func (r *root) paste(msg tea.PasteMsg) tea.Cmd {
	msg.Content = engine.Printable(strings.Join(strings.Fields(msg.Content), " "))
	if n := len(r.dialogs); n > 0 {
		r.dialogs[n-1].Paste(msg)
		return nil
	}
	if p := r.top().Prompt(); p != nil && p.Input.Update(msg) && p.Live {
		return p.Typed(p.Input.Value())
	}
	return nil
}

// act does what an action means, or says why it cannot be done.
func (r *root) act(action keymap.Action) tea.Cmd {
	if why := r.top().Why(action); why != "" {
		return screens.Toast(theme.Warning, why)
	}
	switch action {
	case keymap.Help:
		return r.ask(screens.Help(r.env, r.top().Scope()))
	case keymap.Palette:
		return r.ask(screens.Palette(r.env, screens.PaletteActions{
			Screen: r.top(), Commands: r.opts.Commands, Do: r.act, Run: r.runLine,
		}))
	case keymap.Back:
		if r.clearable() || !r.back() {
			return r.top().Do(action)
		}
	case keymap.Quit:
		return r.quit()
	case keymap.ToImages, keymap.ToContainers:
		r.goTo(action)
	case keymap.Redraw:
		return tea.ClearScreen
	case keymap.Suspend:
		return tea.Suspend
	default:
		return r.top().Do(action)
	}
	return nil
}

// clearable reports whether going back first clears something on this screen.
func (r *root) clearable() bool {
	s, ok := r.top().(interface{ Clearable() bool })
	return ok && s.Clearable()
}

// quit leaves at once, or asks when a pull would be cut off.
func (r *root) quit() tea.Cmd {
	busy := 0
	for _, p := range r.pulls {
		if p.err == nil {
			busy++
		}
	}
	if busy == 0 {
		return tea.Quit
	}
	return r.ask(screens.Confirm(r.env, "quit while pulling?",
		[]string{"The pull stops. What has been fetched is kept; pulling again goes on from there.", "Containers run on."},
		func() tea.Cmd { return tea.Quit }))
}
