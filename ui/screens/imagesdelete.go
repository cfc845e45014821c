package screens

import (
	"fmt"
	"slices"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
	"github.com/opencontainers/go-digest"
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
	ask := newConfirm(s.env, title, s.whatGoes(rows, nil), func() tea.Cmd { return s.remove(rows) })
	return tea.Batch(s.env.Ask(ask), s.weigh(ask, rows))
}

// imagesWeighedMsg says how large the layers of images about to go are.
type imagesWeighedMsg struct {
	ask   *confirm
	rows  []imageRow
	sizes map[digest.Digest]int64
}

// weigh reads the sizes of the layers, for the question to say what is freed.
func (s *Images) weigh(ask *confirm, rows []imageRow) tea.Cmd {
	return func() tea.Msg {
		msg := imagesWeighedMsg{ask, rows, map[digest.Digest]int64{}}
		for _, r := range rows {
			history, err := s.env.Images.History(s.env.Ctx, r.ref())
			if err != nil {
				return nil // the question stands without figures
			}
			for _, h := range history {
				msg.sizes[h.DiffID] = h.Size
			}
		}
		return msg
	}
}

// whatGoes says what deleting rows takes away and what stays. Without sizes it
// does not say how much is freed.
func (s *Images) whatGoes(rows []imageRow, sizes map[digest.Digest]int64) []string {
	var text, shown []string
	going := map[digest.Digest]bool{}
	for _, r := range rows {
		shown = append(shown, r.show())
		if going[r.image.ID] {
			continue
		}
		if s.lastNames(r.image) {
			going[r.image.ID] = true
		} else {
			text = append(text, fmt.Sprintf("%s keeps its other names: only this name goes.", ShortID(r.image.ID.String())))
		}
	}
	if len(rows) > 1 {
		text = append([]string{names(shown, 8), ""}, text...)
	}
	if len(going) == 0 {
		return text
	}
	text = append(text, s.whatIsFreed(going, sizes))
	if on := s.builtOn(going); len(on) > 0 {
		text = append(text, fmt.Sprintf("Built on it: %s. They keep their layers.", names(on, 4)))
	}
	return text
}

// whatIsFreed adds up the layers that no image but those going has.
func (s *Images) whatIsFreed(going map[digest.Digest]bool, sizes map[digest.Digest]int64) string {
	kept, gone := map[digest.Digest]bool{}, map[digest.Digest]bool{}
	for _, image := range s.images {
		for _, l := range image.Layers {
			if going[image.ID] {
				gone[l] = true
			} else {
				kept[l] = true
			}
		}
	}
	var freed int64
	shared := 0
	for l := range gone {
		if kept[l] {
			shared++
		} else {
			freed += sizes[l]
		}
	}
	unique := len(gone) - shared
	switch {
	case unique == 0:
		return "Nothing is freed: other images have all these layers."
	case sizes == nil:
		return "Counting what is freed" + s.env.Theme.Glyphs.Ellipsis
	case shared == 0:
		return fmt.Sprintf("%s in %s are freed: no other image has any of them.", widget.Size(freed), plural(unique, "layer", "layers"))
	default:
		return fmt.Sprintf("%s in %s are freed; %s for other images.",
			widget.Size(freed), plural(unique, "layer", "layers"), plural(shared, "layer stays", "layers stay"))
	}
}

// builtOn names the images whose lowest layers are all those of one that goes.
func (s *Images) builtOn(going map[digest.Digest]bool) []string {
	var out []string
	for _, image := range s.images {
		if !going[image.ID] && slices.ContainsFunc(s.images, func(base engine.Image) bool {
			n := len(base.Layers)
			return going[base.ID] && n > 0 && n < len(image.Layers) && slices.Equal(base.Layers, image.Layers[:n])
		}) {
			name := ShortID(image.ID.String())
			if len(image.Names) > 0 {
				name = image.Names[0]
			}
			out = append(out, name)
		}
	}
	return out
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
