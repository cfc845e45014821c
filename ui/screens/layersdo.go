package screens

import (
	"path"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

// Do carries out an action.
func (s *Layers) Do(action keymap.Action) tea.Cmd {
	s.memo = ""
	if s.index == nil {
		return nil
	}
	if s.moved(action) || s.shown(action) {
		return s.also(nil)
	}
	return s.also(s.carryOut(action))
}

// carryOut does what neither moves the selection nor changes what is shown.
func (s *Layers) carryOut(action keymap.Action) tea.Cmd {
	switch action {
	case keymap.LayersOpen:
		return s.open()
	case keymap.Back:
		s.clear()
	case keymap.PathFilter:
		s.askFilter()
	case keymap.FilterKind:
		s.nextFilterKind()
	case keymap.MinSize:
		s.askMinSize()
	case keymap.FileSearch:
		s.askSearch()
	case keymap.PathHistory:
		return s.env.Ask(s.historyMenu())
	case keymap.PathDiff:
		return s.openDiff()
	case keymap.PrevVersion:
		return s.stepVersion(-1)
	case keymap.NextVersion:
		return s.stepVersion(1)
	case keymap.CompareImage:
		return s.compare()
	case keymap.Extract:
		return s.env.Ask(s.askExtract())
	case keymap.CopyPath:
		return s.copyPath()
	case keymap.CopyDigest:
		return s.copyDigest()
	case keymap.LayerShell:
		st, _ := s.selectedStep()
		return s.env.LayerShell(LayerShellRequest{s.source, st.n})
	}
	return nil
}

// moved carries out what moves the selection.
func (s *Layers) moved(action keymap.Action) bool {
	switch action {
	case keymap.NextPane:
		s.inTree = !s.inTree
		return true
	case keymap.Unfold:
		s.unfold()
		return true
	case keymap.Fold:
		s.fold()
		return true
	case keymap.FoldAll:
		s.foldAll()
		return true
	}
	if s.inTree {
		return s.movedTree(action)
	}
	before := s.list.Position()
	switch action {
	case keymap.Up:
		s.list.Move(-1)
	case keymap.Down:
		s.list.Move(1)
	case keymap.PageUp:
		s.list.Page(-1)
	case keymap.PageDown:
		s.list.Page(1)
	case keymap.Top:
		s.list.Top()
	case keymap.Bottom:
		s.list.Bottom()
	default:
		return false
	}
	if s.list.Position() != before {
		s.layerChanged()
	}
	return true
}

// layerChanged shows what belongs to the newly selected instruction.
func (s *Layers) layerChanged() {
	if s.show.anchor >= 0 {
		s.fill() // the range is marked
	}
	if s.diff == nil {
		s.rebuild()
	}
}

func (s *Layers) movedTree(action keymap.Action) bool {
	switch action {
	case keymap.Up:
		s.tree.move(-1)
	case keymap.Down:
		s.tree.move(1)
	case keymap.PageUp:
		s.tree.page(-1)
	case keymap.PageDown:
		s.tree.page(1)
	case keymap.Top:
		s.tree.move(-s.tree.length())
	case keymap.Bottom:
		s.tree.move(s.tree.length())
	default:
		return false
	}
	return true
}

// shown carries out what changes which rows the tree has.
func (s *Layers) shown(action keymap.Action) bool {
	switch action {
	case keymap.ShowAdded:
		s.toggleClass(engine.PathAdded)
	case keymap.ShowModified:
		s.toggleClass(engine.PathChanged)
	case keymap.ShowRemoved:
		s.toggleClass(engine.PathRemoved)
	case keymap.ShowSame:
		s.toggleClass(engine.PathUnmodified)
	case keymap.WholeOrLayer:
		s.show.whole = !s.show.whole
	case keymap.BySize:
		s.show.bySize = !s.show.bySize
	case keymap.Range:
		s.toggleRange()
	default:
		return false
	}
	s.rebuild()
	return true
}

func (s *Layers) toggleClass(c engine.PathClass) {
	if s.show.hide[c] {
		delete(s.show.hide, c)
	} else {
		s.show.hide[c] = true
	}
}

func (s *Layers) toggleRange() {
	if s.show.anchor >= 0 {
		s.show.anchor = -1
	} else if st, ok := s.selectedStep(); ok {
		s.show.anchor = st.n
		s.show.whole = false
	}
	s.fill()
}

// clear takes away the filter, then the range, then the comparison.
func (s *Layers) clear() {
	switch {
	case s.show.filter != "":
		s.setFilter("", s.show.match.Match)
	case s.show.anchor >= 0:
		s.show.anchor = -1
		s.fill()
		s.rebuild()
	default:
		s.stopComparing()
	}
}

func (s *Layers) unfold() {
	if row := s.tree.selected(); s.inTree && row.Children && !row.Open {
		s.tree.tree.Toggle(row.Path)
	} else if !s.inTree {
		s.inTree = true
	}
}

func (s *Layers) fold() {
	row := s.tree.selected()
	switch {
	case !s.inTree:
	case row.Children && row.Open:
		s.tree.tree.Toggle(row.Path)
	case row.Depth == 0:
		s.inTree = false
	default:
		s.tree.parent()
	}
}

// foldAll closes every directory, or opens all when none is open.
func (s *Layers) foldAll() {
	if s.tree.tree == nil {
		return
	}
	path, before := s.tree.selected().Path, s.tree.length()
	s.tree.tree.CloseAll()
	if s.tree.length() == before {
		s.tree.tree.OpenAll()
		s.tree.reveal(path)
		return
	}
	s.tree.cursor = 0
	s.tree.move(0)
}

// open goes from an instruction to the tree, opens or closes a directory,
// follows a link, or views a file.
func (s *Layers) open() tea.Cmd {
	if !s.inTree {
		s.inTree = true
		return nil
	}
	row := s.tree.selected()
	switch row.Kind {
	case engine.KindDir:
		s.tree.tree.Toggle(row.Path)
		s.tree.move(0)
	case engine.KindSymlink:
		return s.follow(row)
	case engine.KindFile:
		return s.openFile(row)
	}
	return nil
}

// follow selects what a symbolic link points to.
func (s *Layers) follow(row engine.LayerRow) tea.Cmd {
	target := row.Link
	if !path.IsAbs(target) {
		target = path.Join("/", path.Dir(row.Path), target)
	}
	if target = path.Clean(target); !s.tree.reveal(target[1:]) {
		return Toast(theme.Warning, "what it points to is not in this tree: "+target)
	}
	return nil
}

// Why says why an action cannot be done now.
func (s *Layers) Why(action keymap.Action) string {
	switch action {
	case keymap.Help, keymap.Palette, keymap.Back, keymap.Quit, keymap.ToImages, keymap.ToContainers, keymap.Redraw, keymap.Suspend:
		return ""
	}
	if s.index == nil {
		if s.err != nil {
			return "the image cannot be inspected"
		}
		return "the layers are still being read"
	}
	st, _ := s.selectedStep()
	switch action {
	case keymap.LayersOpen, keymap.PathDiff, keymap.PrevVersion, keymap.NextVersion, keymap.PathHistory:
		return s.whyNotPath(action)
	case keymap.WholeOrLayer, keymap.Range:
		if s.diff != nil {
			return "two images are compared: " + s.env.Keys.Binding(keymap.Back).Key() + " stops that"
		}
	case keymap.LayerShell:
		switch {
		case s.env.LayerShell == nil:
			return "this gantry cannot open a shell on a layer"
		case st.other:
			return "this layer is of the image compared with"
		}
	case keymap.Extract, keymap.CopyDigest:
		if !s.inTree && st.Empty {
			return "this instruction made no layer"
		}
	}
	return ""
}

// whyNotPath says why something cannot be done with the selected path.
func (s *Layers) whyNotPath(action keymap.Action) string {
	if action == keymap.LayersOpen && !s.inTree {
		return ""
	}
	if !s.inTree {
		return "select a path in the tree first: " + s.env.Keys.Binding(keymap.NextPane).Key()
	}
	row := s.tree.selected()
	switch {
	case row.Path == "":
		return "nothing is selected"
	case action == keymap.LayersOpen && (row.Kind == engine.KindChar || row.Kind == engine.KindBlock || row.Kind == engine.KindFifo):
		return "it is no file: there is nothing to read in it"
	case s.diff != nil && (action == keymap.PrevVersion || action == keymap.NextVersion):
		return "two images are compared: " + s.env.Keys.Binding(keymap.PathDiff).Key() + " shows what differs"
	case action == keymap.PathDiff && len(s.fileVersions(row)) < 2:
		return "there is only this version"
	}
	return ""
}
