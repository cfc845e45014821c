package screens

import (
	"context"
	"io"
	"maps"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Layers is the layer inspector: the instructions of an image on one side, the
// tree of what they did on the other, and what is known of the selection below.
type Layers struct {
	env    *Env
	source string // what the engine opens
	cancel context.CancelFunc
	ctx    context.Context // ends with the screen

	own     LayerSource // the image
	index   LayerSource // the same, or as opened for a comparison
	diff    LayerDiff   // when compared with another image
	other   LayerSource // that image
	against string      // its name
	err     error
	slow    bool
	now     time.Time

	steps  []layerStep
	list   widget.Table
	tree   treePane
	detail detailMemo
	inTree bool
	show   showing
	prompt *Prompt
	query  int     // the newest tree asked for; others that come late are dropped
	todo   tea.Cmd // what an action left to be done

	width, height int
	memo          string
}

// layerStep is one row of the list of instructions. A layer of the image compared
// with is marked as such; otherwise n is the layer's place.
type layerStep struct {
	engine.LayerInfo
	n     int
	other bool
}

// showing is what the tree shows.
type showing struct {
	whole   bool // all up to the selected layer, not what it did
	anchor  int  // the other end of a range; -1 without one
	filter  string
	match   engine.LayerPattern
	hide    map[engine.PathClass]bool
	minSize int64
	bySize  bool
	bad     string    // what is wrong with the filter
	base    LayerTree // whose open directories a view without a filter keeps
}

// Answers of the inspector's commands. Each says which screen asked.
type (
	layersOpenedMsg struct {
		of    *Layers
		index LayerSource
		err   error
		now   time.Time
	}
	layersComparedMsg struct {
		of   *Layers
		name string
		diff LayerDiff
		err  error
	}
	layersFilteredMsg struct {
		of    *Layers
		query int
		tree  LayerTree
		err   error
	}
	layersExtractedMsg struct {
		of   *Layers
		path string
		err  error
	}
)

// NewLayers returns the inspector of an image: a name, an ID, or any other
// source the engine opens.
func NewLayers(env *Env, source string) *Layers {
	s := &Layers{env: env, source: source, show: showing{anchor: -1, hide: map[engine.PathClass]bool{}}}
	s.list.Columns = []widget.Column{
		{Title: "#", Right: true},
		{Title: "SIZE", Right: true},
		{Title: "ADDED", Right: true, Drop: 4},
		{Title: "KILLS", Right: true, Drop: 2},
		{Title: "DIES", Right: true, Drop: 3},
		{Title: "AGE", Right: true, Drop: 5},
		{Title: "INSTRUCTION", Min: 18, Grow: true},
	}
	return s
}

// Title is the breadcrumb.
func (s *Layers) Title() string { return engine.Printable(shortSource(s.source)) + " layers" }

// shortSource shortens a bare ID.
func shortSource(source string) string {
	const sha = "sha256:"
	if len(source) == len(sha)+64 && source[:len(sha)] == sha {
		return ShortID(source)
	}
	return source
}

// Scope is where the screen's keys are in the table.
func (s *Layers) Scope() keymap.Scope { return keymap.Layers }

// Init opens the image.
func (s *Layers) Init() tea.Cmd {
	s.ctx, s.cancel = context.WithCancel(s.env.Ctx)
	ctx, open, now := s.ctx, s.env.OpenLayers, s.env.Now
	return tea.Batch(mentionSlow(s), func() tea.Msg {
		index, err := open(ctx, s.source)
		if err == nil {
			closeWith(ctx, index)
		}
		return layersOpenedMsg{s, index, err, now()}
	})
}

// closeWith closes c when ctx ends.
func closeWith(ctx context.Context, c io.Closer) {
	context.AfterFunc(ctx, func() { _ = c.Close() })
}

// Close ends what the screen started and closes the image.
func (s *Layers) Close() { s.cancel() }

// Prompt is the filter, a size or a name while it is typed.
func (s *Layers) Prompt() *Prompt { return s.prompt }

// Clearable reports whether going back clears a filter, a range or a
// comparison first.
func (s *Layers) Clearable() bool {
	return s.show.filter != "" || s.show.anchor >= 0 || s.diff != nil
}

// Update hears what became of the screen's commands.
func (s *Layers) Update(msg tea.Msg) tea.Cmd {
	s.memo = ""
	switch msg := msg.(type) {
	case layersOpenedMsg:
		if msg.of == s {
			s.opened(msg)
		}
	case layersComparedMsg:
		if msg.of == s {
			return s.also(s.compared(msg))
		}
	case layersFilteredMsg:
		if msg.of == s && msg.query == s.query {
			s.grown(msg.tree, msg.err, true)
		}
	case layersExtractedMsg:
		switch {
		case msg.of != s:
		case msg.err != nil:
			return failed(s.env, "extracting", msg.err)
		default:
			return Toast(theme.Success, "extracted to "+msg.path)
		}
	case ClockMsg:
		s.now = msg.Now
		s.fill()
	case slowMsg:
		if msg.of == s && s.index == nil {
			s.slow = true
		}
	}
	return nil
}

func (s *Layers) opened(msg layersOpenedMsg) {
	s.own, s.index, s.err, s.now = msg.index, msg.index, msg.err, msg.now
	if s.err != nil {
		return
	}
	s.listSteps()
	for i, step := range s.steps {
		if !step.Empty {
			s.list.Select(stepID(i)) // the last one that made files
		}
	}
	s.rebuild()
}

// selectedStep is the instruction under the cursor.
func (s *Layers) selectedStep() (layerStep, bool) {
	if i := s.list.Position() - 1; i >= 0 && i < len(s.steps) {
		return s.steps[i], true
	}
	return layerStep{}, false
}

// span is the range of layers that is shown.
func (s *Layers) span() (from, to int) {
	st, _ := s.selectedStep()
	if a := s.show.anchor; a >= 0 {
		return min(a, st.n), max(a, st.n)
	}
	return st.n, st.n
}

// rebuild builds the tree anew and keeps the selection on its path. Regular
// expressions are matched in the background: they take longer than a key may.
func (s *Layers) rebuild() {
	if s.index == nil || len(s.steps) == 0 {
		return
	}
	s.query++
	if s.show.match.Text == "" && s.tree.tree != nil && !s.tree.flat {
		s.show.base = s.tree.tree
	}
	o := engine.LayerViewOptions{
		Hide: maps.Clone(s.show.hide), Filter: s.show.match, MinSize: s.show.minSize, SortBySize: s.show.bySize,
		Flat: s.show.match.Text != "",
	}
	build := s.builder(o)
	if o.Flat && o.Filter.Match == engine.MatchRegexp {
		query := s.query
		s.todo = func() tea.Msg {
			tree, err := build()
			return layersFilteredMsg{s, query, tree, err}
		}
		return
	}
	tree, err := build()
	s.grown(tree, err, o.Flat)
}

// builder returns what makes the tree for these options, and reads nothing of
// the screen any more.
func (s *Layers) builder(o engine.LayerViewOptions) func() (LayerTree, error) {
	like := s.show.base
	if o.Flat {
		like = nil
	}
	if diff := s.diff; diff != nil {
		return func() (LayerTree, error) { return diff.View(o, like) }
	}
	if s.show.whole {
		o.Compare = engine.CompareAggregate
	}
	index := s.index
	from, to := s.span()
	return func() (LayerTree, error) { return index.View(from, to, o, like) }
}

// grown shows a tree that was built, or says what is wrong with the filter.
func (s *Layers) grown(tree LayerTree, err error, flat bool) {
	if s.show.bad = ""; err != nil {
		s.show.bad = oneLine(err)
		return
	}
	s.tree.set(tree, flat, s.tree.selected().Path)
	if flat && s.tree.length() > 0 && !s.tree.selected().Matched {
		s.tree.firstMatch()
	}
}

// also adds to cmd what an action left to be done.
func (s *Layers) also(cmd tea.Cmd) tea.Cmd {
	todo := s.todo
	s.todo = nil
	if todo == nil {
		return cmd
	}
	return tea.Batch(cmd, todo)
}

// compared puts the tree of two images in the place of the image's own.
func (s *Layers) compared(msg layersComparedMsg) tea.Cmd {
	if msg.err != nil {
		return failed(s.env, "comparing with "+msg.name, msg.err)
	}
	s.tree = treePane{width: s.tree.width, height: s.tree.height}
	s.diff, s.against = msg.diff, msg.name
	s.other, s.index = msg.diff.Images()
	s.show.anchor, s.show.base = -1, nil
	s.listSteps()
	s.rebuild()
	return nil
}

// stopComparing goes back to the image alone. What was opened for the
// comparison is closed with the screen: a view may still read it.
func (s *Layers) stopComparing() {
	if s.diff == nil {
		return
	}
	s.diff, s.other, s.against, s.show.base = nil, nil, "", nil
	s.index, s.tree = s.own, treePane{width: s.tree.width, height: s.tree.height}
	s.listSteps()
	s.rebuild()
}
