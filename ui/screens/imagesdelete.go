package screens

import (
	"fmt"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// selectedPull says which pull the cursor is on, its layers included.
func (s *Images) selectedPull() (id int, ok bool) {
	_, err := fmt.Sscanf(s.table.SelectedID(), "pull %d", &id)
	return id, err == nil
}

// openPull folds a pull's layers in or out; a failed one tells its error.
func (s *Images) openPull(id int) tea.Cmd {
	for _, p := range s.pulls {
		if p.ID == id && p.Err != nil {
			return s.env.Ask(Notice(s.env, "pulling "+p.Ref, p.Err.Error()))
		}
	}
	s.folded[id] = !s.folded[id]
	s.build()
	return nil
}

// delete asks about what is selected or marked, or about stopping a pull.
func (s *Images) delete() tea.Cmd {
	if id, ok := s.selectedPull(); ok {
		return s.stopPull(id)
	}
	var rows []imageRow
	for _, id := range s.table.Targets() {
		if r, ok := s.rows[id]; ok {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	title := "delete " + rows[0].show() + "?"
	if len(rows) > 1 {
		title = fmt.Sprintf("delete %d images?", len(rows))
	}
	return s.env.Ask(Confirm(s.env, title, s.whatGoes(rows), func() tea.Cmd { return s.remove(rows) }))
}

// whatGoes says what deleting rows takes away and what stays.
func (s *Images) whatGoes(rows []imageRow) []string {
	var text, shown []string
	var size int64
	seen := map[string]bool{}
	for _, r := range rows {
		shown = append(shown, r.show())
		id := r.image.ID.String()
		if seen[id] {
			continue
		}
		seen[id] = true
		if s.lastNames(r.image) {
			size += r.image.Size
		} else {
			text = append(text, fmt.Sprintf("%s keeps its other names: only this name goes.", ShortID(id)))
		}
	}
	if len(rows) > 1 {
		text = append([]string{names(shown, 8), ""}, text...)
	}
	if size > 0 {
		text = append(text, fmt.Sprintf("Up to %s are freed; layers that other images share stay.", widget.Size(size)))
	}
	return text
}

func (s *Images) stopPull(id int) tea.Cmd {
	for _, p := range s.pulls {
		if p.ID != id {
			continue
		}
		if p.Err != nil {
			return say(StopPullMsg{id})
		}
		return s.env.Ask(Confirm(s.env, "stop pulling "+p.Ref+"?",
			[]string{"What has been fetched is kept; pulling again goes on from there."},
			func() tea.Cmd { return say(StopPullMsg{id}) }))
	}
	return nil
}

// remove deletes in the order shown and goes on past failures.
func (s *Images) remove(rows []imageRow) tea.Cmd {
	s.table.ClearMarks()
	return func() tea.Msg {
		msg := imagesRemovedMsg{failed: map[string]error{}}
		for _, r := range rows {
			if _, err := s.env.Images.RemoveImage(s.env.Ctx, r.ref(), false); err != nil {
				msg.failed[r.show()] = err
			} else {
				msg.names = append(msg.names, r.show())
			}
		}
		return msg
	}
}

func (s *Images) removed(msg imagesRemovedMsg) tea.Cmd {
	cmds := []tea.Cmd{s.reload()}
	if len(msg.names) > 0 {
		cmds = append(cmds, Toast(theme.Success, "deleted "+names(msg.names, 2)))
	}
	for name, err := range msg.failed {
		cmds = append(cmds, failed(s.env, "deleting "+name, err))
	}
	return tea.Batch(cmds...)
}

func containerNames(cs []engine.Container) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = displayName(c)
	}
	return out
}
