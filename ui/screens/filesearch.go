package screens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// mostHits is how many lines a search lists; it ends there.
const mostHits = 2000

// searchPace is how long hits are gathered before they are shown.
const searchPace = 50 * time.Millisecond

// FileSearch lists the lines in an image's files that match, while they are
// found. Leaving the screen ends the search.
type FileSearch struct {
	env    *Env
	source LayerSource
	name   string
	text   string
	ctx    context.Context
	cancel context.CancelFunc

	table widget.Table
	feed  *hitFeed
	hits  []engine.GrepHit
	done  bool
	err   error
}

// hitFeed takes hits from the search to the screen.
type hitFeed struct {
	changed chan struct{}
	done    chan struct{} // closed when the search has ended

	mu    sync.Mutex
	hits  []engine.GrepHit // not yet shown
	count int
	err   error
}

type hitsMsg struct {
	of   *FileSearch
	hits []engine.GrepHit
	done bool
	err  error
}

// NewFileSearch returns the results of looking for text in all layers of an
// open image. A ~ in front of text makes it a regular expression.
func NewFileSearch(env *Env, source LayerSource, name, text string) *FileSearch {
	s := &FileSearch{env: env, source: source, name: name, text: text}
	s.ctx, s.cancel = context.WithCancel(env.Ctx)
	s.feed = &hitFeed{changed: make(chan struct{}, 1), done: make(chan struct{})}
	s.table.Columns = []widget.Column{
		{Title: "LAYER", Right: true, Drop: 1},
		{Title: "FILE", Min: 20, Max: 56},
		{Title: "LINE", Right: true, Drop: 2},
		{Title: "TEXT", Min: 20, Grow: true},
	}
	s.table.Empty = []string{"searching" + env.Theme.Glyphs.Ellipsis}
	return s
}

// Title is the breadcrumb.
func (s *FileSearch) Title() string { return engine.Printable("search " + s.text) }

// Scope is where the screen's keys are in the table.
func (s *FileSearch) Scope() keymap.Scope { return keymap.Found }

// Init starts the search.
func (s *FileSearch) Init() tea.Cmd {
	p := engine.LayerPattern{Text: s.text}
	if rest, ok := strings.CutPrefix(s.text, "~"); ok {
		p = engine.LayerPattern{Text: rest, Match: engine.MatchRegexp}
	}
	o := engine.GrepOptions{Pattern: p, To: len(s.source.Layers()) - 1}
	ctx, source, feed := s.ctx, s.source, s.feed
	return tea.Batch(s.await(), func() tea.Msg {
		defer close(feed.done)
		feed.end(source.Grep(ctx, o, feed.add))
		return nil
	})
}

func (f *hitFeed) add(h engine.GrepHit) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hits = append(f.hits, h)
	f.count++
	select {
	case f.changed <- struct{}{}:
	default:
	}
	return f.count < mostHits
}

func (f *hitFeed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *hitFeed) take() ([]engine.GrepHit, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hits := f.hits
	f.hits = nil
	return hits, f.err
}

// await waits for hits and gathers what comes shortly after.
func (s *FileSearch) await() tea.Cmd {
	ctx, feed := s.ctx, s.feed
	return func() tea.Msg {
		select {
		case <-feed.changed:
			pause(ctx, searchPace)
		case <-feed.done:
		}
		msg := hitsMsg{of: s}
		select {
		case <-feed.done:
			msg.done = true
		default:
		}
		msg.hits, msg.err = feed.take()
		return msg
	}
}

// Update takes hits in.
func (s *FileSearch) Update(msg tea.Msg) tea.Cmd {
	m, ok := msg.(hitsMsg)
	if !ok || m.of != s {
		return nil
	}
	s.hits = append(s.hits, m.hits...)
	s.done, s.err = m.done, m.err
	if s.done {
		s.table.Empty = []string{s.ending()}
	}
	s.fill()
	if s.done {
		return nil
	}
	return s.await()
}

// ending says why there is nothing, or nothing more.
func (s *FileSearch) ending() string {
	switch {
	case errors.Is(s.err, context.Canceled):
		return "stopped"
	case s.err != nil:
		return "the search failed: " + oneLine(s.err)
	default:
		return fmt.Sprintf("no file has %q in it", s.text)
	}
}

func (s *FileSearch) fill() {
	rows := make([]widget.Row, len(s.hits))
	for i, h := range s.hits {
		line := ""
		if h.Line > 0 {
			line = fmt.Sprint(h.Line)
		}
		rows[i] = widget.Row{ID: fmt.Sprint(i), Cells: []widget.Cell{
			{Text: fmt.Sprint(h.Layer + 1), Role: theme.Muted}, {Text: "/" + h.Path},
			{Text: line, Role: theme.Muted}, {Text: strings.TrimSpace(h.Text)},
		}}
	}
	s.table.SetRows(rows)
}

// Do carries out an action.
func (s *FileSearch) Do(action keymap.Action) tea.Cmd {
	switch action {
	case keymap.Up:
		s.table.Move(-1)
	case keymap.Down:
		s.table.Move(1)
	case keymap.PageUp:
		s.table.Page(-1)
	case keymap.PageDown:
		s.table.Page(1)
	case keymap.Top:
		s.table.Top()
	case keymap.Bottom:
		s.table.Bottom()
	case keymap.FoundStop:
		s.cancel()
	case keymap.FoundOpen:
		return s.open()
	case keymap.FoundCopy:
		h, _ := s.selected()
		return tea.Batch(tea.SetClipboard("/"+h.Path), Toast(theme.Plain, "copied /"+h.Path))
	}
	return nil
}

func (s *FileSearch) selected() (engine.GrepHit, bool) {
	if i := s.table.Position() - 1; i >= 0 && i < len(s.hits) {
		return s.hits[i], true
	}
	return engine.GrepHit{}, false
}

// open shows the file at the line.
func (s *FileSearch) open() tea.Cmd {
	h, _ := s.selected()
	var versions []fileVersion
	at := 0
	for _, v := range s.source.Path(h.Path) {
		if v.Kind != engine.KindFile {
			continue
		}
		if v.Layer == h.Layer {
			at = len(versions)
		}
		versions = append(versions, fileVersion{s.source, v, fmt.Sprintf("layer %d", v.Layer+1)})
	}
	view := NewFileView(s.env, h.Path, versions, at)
	view.line = h.Line
	if !strings.HasPrefix(s.text, "~") {
		view.search = s.text
	}
	return s.env.Open(view)
}

// Why says why an action cannot be done now.
func (s *FileSearch) Why(action keymap.Action) string {
	switch action {
	case keymap.FoundOpen, keymap.FoundCopy:
		if len(s.hits) == 0 {
			return "nothing was found yet"
		}
	case keymap.FoundStop:
		if s.done {
			return "the search has ended"
		}
	}
	return ""
}

// SetSize says how many cells the screen has.
func (s *FileSearch) SetSize(width, height int) { s.table.SetSize(width, height) }

// View draws the table.
func (s *FileSearch) View() string { return s.table.View(s.env.Theme) }

// Summary says how far the search is.
func (s *FileSearch) Summary() string {
	switch {
	case !s.done:
		return "searching" + s.env.Theme.Glyphs.Ellipsis
	case s.err != nil:
		return s.ending()
	case len(s.hits) >= mostHits:
		return fmt.Sprintf("the first %d lines", len(s.hits))
	default:
		return plural(len(s.hits), "line", "lines")
	}
}

// Status says where in the list we are.
func (s *FileSearch) Status() string {
	if len(s.hits) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", s.table.Position(), len(s.hits))
}

// Prompt is never open: what is searched was asked before.
func (s *FileSearch) Prompt() *Prompt { return nil }

// Close ends the search.
func (s *FileSearch) Close() { s.cancel() }
