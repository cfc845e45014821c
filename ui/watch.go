package ui

import (
	"gantry/engine"
	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

type (
	watchingMsg struct {
		changes <-chan engine.Change
		err     error
	}
	changesMsg screens.ChangedMsg
)

// watch asks the engine to report changes.
func (r *root) watch() tea.Cmd {
	ctx := r.env.Ctx
	return func() tea.Msg {
		changes, err := r.backend.Watch(ctx)
		return watchingMsg{changes, err}
	}
}

func (r *root) watching(msg watchingMsg) tea.Cmd {
	if msg.err != nil {
		return screens.Toast(theme.Warning, "lists do not renew themselves: "+msg.err.Error())
	}
	r.changes = msg.changes
	return r.awaitChange()
}

// awaitChange waits for a change and gathers what comes shortly after it, so
// that a burst is one message.
func (r *root) awaitChange() tea.Cmd {
	changes, ctx := r.changes, r.env.Ctx
	return func() tea.Msg {
		first, ok := <-changes
		if !ok {
			return nil
		}
		kinds := map[string]bool{first.Kind: true}
		pause(changePace, ctx.Done())
		for {
			select {
			case c, ok := <-changes:
				if !ok {
					return changesMsg{kinds}
				}
				kinds[c.Kind] = true
			default:
				return changesMsg{kinds}
			}
		}
	}
}
