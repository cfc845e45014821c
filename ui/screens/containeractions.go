package screens

import (
	"context"
	"fmt"
	"slices"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// containersDoneMsg says what became of one action on one container.
type containersDoneMsg struct {
	id, name string
	did      string // "stopped"
	doing    string // "stopping"
	err      error
}

// step is an action as applied to one container.
type step struct {
	doing, did string
	run        func(ctx context.Context, id string) error
}

// step chooses what action means for a container as it is now.
func (s *Containers) step(action keymap.Action, c engine.Container) step {
	control := s.env.Containers
	switch {
	case action == keymap.StartStop && live(c):
		return step{"stopping", "stopped", func(ctx context.Context, id string) error {
			return control.Stop(ctx, id, engine.StopOptions{})
		}}
	case action == keymap.StartStop:
		return step{"starting", "started", control.Start}
	case action == keymap.Restart:
		return step{"restarting", "restarted", func(ctx context.Context, id string) error {
			return control.Restart(ctx, id, engine.StopOptions{})
		}}
	case action == keymap.Pause && c.State.Status == engine.Paused:
		return step{"resuming", "resumed", control.Unpause}
	case action == keymap.Pause:
		return step{"pausing", "paused", control.Pause}
	case action == keymap.Kill:
		return step{"dying", "killed", func(ctx context.Context, id string) error { return control.Kill(ctx, id, "") }}
	default:
		return step{"going", "deleted", func(ctx context.Context, id string) error {
			return control.Remove(ctx, id, engine.RemoveOptions{Force: true, Volumes: true})
		}}
	}
}

// change applies action to all targets, each by its own command.
func (s *Containers) change(action keymap.Action) tea.Cmd {
	return s.apply(action, s.table.Targets())
}

func (s *Containers) apply(action keymap.Action, ids []string) tea.Cmd {
	var cmds []tea.Cmd
	for _, id := range ids {
		c, ok := s.byID[id]
		if !ok || s.busy[id] != "" {
			continue
		}
		st := s.step(action, c)
		s.busy[id] = st.doing
		cmds = append(cmds, func() tea.Msg {
			return containersDoneMsg{id, displayName(c), st.did, st.doing, st.run(s.env.Ctx, id)}
		})
	}
	s.table.ClearMarks()
	s.build()
	return tea.Batch(cmds...)
}

func (s *Containers) done(msg containersDoneMsg) tea.Cmd {
	delete(s.busy, msg.id)
	s.build()
	if msg.err != nil {
		return tea.Batch(s.reload(), failed(s.env, msg.doing+" "+msg.name, msg.err))
	}
	return tea.Batch(s.reload(), Toast(theme.Success, msg.did+" "+msg.name))
}

// askChange asks before action on all targets.
func (s *Containers) askChange(action keymap.Action) tea.Cmd {
	ids := s.table.Targets()
	var all, running []string
	volumes := 0
	for _, id := range ids {
		c := s.byID[id]
		all = append(all, displayName(c))
		if live(c) {
			running = append(running, displayName(c))
		}
		for _, m := range c.Host.Mounts {
			if m.Type == "volume" && m.Source == "" {
				volumes++
			}
		}
	}
	verb := "kill"
	var text []string
	if len(all) > 1 {
		text = append(text, names(all, 10), "")
	}
	if action == keymap.Kill {
		text = append(text, "SIGKILL ends its processes at once; they cannot save anything.")
	} else {
		verb = "delete"
		text = append(text, deleteText(len(all), running, volumes)...)
	}
	title := fmt.Sprintf("%s %s?", verb, all[0])
	if len(all) > 1 {
		title = fmt.Sprintf("%s %d containers?", verb, len(all))
	}
	return s.env.Ask(Confirm(s.env, title, text, func() tea.Cmd { return s.apply(action, ids) }))
}

func deleteText(n int, running []string, volumes int) []string {
	text := []string{"Its log and the files it wrote go too."}
	if n > 1 {
		text[0] = "Their logs and the files they wrote go too."
	}
	if volumes > 0 {
		text = append(text, "So "+goes(volumes)+" "+plural(volumes, "unnamed volume", "unnamed volumes")+". Named volumes stay.")
	}
	if len(running) > 0 {
		text = append(text, "", "Still running, and killed first: "+names(running, 4)+".")
	}
	return text
}

func goes(n int) string {
	if n == 1 {
		return "does"
	}
	return "do"
}

// shells are tried in this order.
var shells = []string{"/bin/bash", "/bin/sh"}

type sessionsReadMsg struct {
	of        *Containers
	container engine.Container
	sessions  []engine.SessionInfo
}

// readSessions looks for shells that were left running.
func (s *Containers) readSessions(c engine.Container) tea.Cmd {
	return func() tea.Msg {
		// Without the list a new shell can still be opened.
		sessions, _ := s.env.Sessions.Sessions(s.env.Ctx, c.ID)
		sessions = slices.DeleteFunc(sessions, func(i engine.SessionInfo) bool { return i.ID == "" })
		return sessionsReadMsg{s, c, sessions}
	}
}

// offerSessions opens a shell, or asks which when some are still there.
func (s *Containers) offerSessions(msg sessionsReadMsg) tea.Cmd {
	if msg.of != s {
		return nil
	}
	fresh := AttachRequest{ID: msg.container.ID, Name: displayName(msg.container), Shells: shells}
	if len(msg.sessions) == 0 {
		return s.env.Attach(fresh)
	}
	items := []widget.MenuItem{{ID: "", Label: "new shell"}}
	for _, i := range msg.sessions {
		note := "left running"
		if i.Clients > 0 {
			note = plural(i.Clients, "client", "clients") + " attached"
		}
		items = append(items, widget.MenuItem{ID: i.ID, Label: "re-enter " + words(i.Args), Note: note})
	}
	return s.env.Ask(Choose(s.env, "shells in "+fresh.Name, items, func(id string) tea.Cmd {
		again := fresh
		if again.Session = id; id != "" {
			again.Shells = nil
		}
		return s.env.Attach(again)
	}))
}
