package screens

import (
	"context"
	"fmt"
	"path"
	"strings"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/viewer"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// fileMode is how a file is looked at.
type fileMode int

const (
	asContent fileMode = iota
	asBytes
	asDiff
)

// FileView shows one version of a file of an image, a window at a time, so
// that its memory does not grow with the file.
type FileView struct {
	textScreen
	path     string
	versions []fileVersion
	at       int
	mode     fileMode
	line     int // to go to once it is there, from 1

	ctx    context.Context
	cancel context.CancelFunc
	query  int // the newest request; answers to earlier ones are dropped
	read   bool
	err    error
	page   viewer.Page
	starts []viewer.Place // of the windows up to the one shown
	cut    bool           // the source gives no more than the beginning
	ends   int64          // how much of the file the source gives
}

type fileReadMsg struct {
	of     *FileView
	query  int
	page   viewer.Page
	starts []viewer.Place
	ends   int64
	end    bool // show the end of the window
	err    error
}

// NewFileView returns the viewer of path at one of its versions.
func NewFileView(env *Env, path string, versions []fileVersion, at int) *FileView {
	s := &FileView{path: path, versions: versions, at: at}
	s.textScreen = textScreen{env: env, title: "/" + engine.Printable(path)}
	s.ctx, s.cancel = context.WithCancel(env.Ctx)
	return s
}

// Scope is where the screen's keys are in the table.
func (s *FileView) Scope() keymap.Scope { return keymap.File }

// Title is the breadcrumb: the name, for the path may be long.
func (s *FileView) Title() string { return path.Base(s.title) }

// Init reads the file.
func (s *FileView) Init() tea.Cmd {
	if len(s.versions) == 0 {
		s.read, s.err = true, fmt.Errorf("no layer has its content")
		return nil
	}
	return tea.Batch(mentionSlow(s), s.load(nil, false))
}

// Close ends reading.
func (s *FileView) Close() { s.cancel() }

// load reads a window in the background: the last of starts, or the first of
// the file.
func (s *FileView) load(starts []viewer.Place, end bool) tea.Cmd {
	s.query++
	job := fileJob{version: s.versions[s.at], mode: s.mode, path: s.path, starts: starts, line: s.line}
	if s.mode == asDiff && s.at > 0 {
		job.before = &s.versions[s.at-1]
	}
	query, ctx := s.query, s.ctx
	return func() tea.Msg {
		msg := fileReadMsg{of: s, query: query, end: end}
		msg.page, msg.starts, msg.ends, msg.err = job.run(ctx)
		return msg
	}
}

// Update takes in what was read, unless something else was asked for since.
func (s *FileView) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case fileReadMsg:
		if msg.of == s && msg.query == s.query {
			s.take(msg)
		}
	case slowMsg:
		if msg.of == Screen(s) && !s.read {
			s.pager.SetClean([]widget.TextLine{{{Text: "reading" + s.env.Theme.Glyphs.Ellipsis, Role: theme.Muted}}})
		}
	}
	return nil
}

func (s *FileView) take(msg fileReadMsg) {
	s.read, s.err = true, msg.err
	if msg.err != nil {
		s.pager.SetClean([]widget.TextLine{{{Text: "cannot be read: " + oneLine(msg.err), Role: theme.Danger}}})
		return
	}
	s.page, s.starts, s.ends = msg.page, msg.starts, msg.ends
	s.cut = s.ends < s.size()
	lines := s.page.Lines
	if len(lines) == 0 {
		lines = []widget.TextLine{{{Text: "the file is empty", Role: theme.Muted}}}
	}
	s.pager.SetClean(lines)
	s.pager.Mark(s.search)
	switch {
	case msg.end:
		s.pager.Bottom()
	case s.line > 0 && s.mode == asContent:
		s.pager.Go(s.line - 1 - s.page.From.Line - 3)
		s.line = 0
	default:
		s.pager.Top()
	}
}

// Do carries out an action.
func (s *FileView) Do(action keymap.Action) tea.Cmd {
	switch action {
	case keymap.Down, keymap.PageDown, keymap.Bottom:
		if s.pager.AtBottom() && s.goesOn() {
			return s.load(append(s.starts[:len(s.starts):len(s.starts)], s.page.Next), false)
		}
	case keymap.Up, keymap.PageUp:
		if first, _, _ := s.pager.Position(); first <= 1 && len(s.starts) > 1 {
			return s.load(s.starts[:len(s.starts)-1], true)
		}
	case keymap.Top:
		if len(s.starts) > 1 {
			return s.load(nil, false)
		}
	case keymap.FileOlder:
		return s.turn(s.at - 1)
	case keymap.FileNewer:
		return s.turn(s.at + 1)
	case keymap.FileDiff:
		return s.setMode(asDiff)
	case keymap.FileRaw:
		return s.setMode(asBytes)
	case keymap.FileExtract:
		return s.env.Ask(s.askExtract())
	case keymap.TextCopy:
		return tea.Batch(tea.SetClipboard(s.text()), Toast(theme.Plain, "copied the text"))
	}
	return s.textScreen.Do(action)
}

// goesOn reports whether there is something behind the window.
func (s *FileView) goesOn() bool {
	return s.read && s.err == nil && s.mode != asDiff && len(s.starts) > 0 && s.page.Next.Offset < s.ends
}

func (s *FileView) size() int64 { return s.versions[s.at].version.Size }

func (s *FileView) turn(to int) tea.Cmd {
	s.at = to
	if to == 0 && s.mode == asDiff {
		s.mode = asContent
	}
	return s.load(nil, false)
}

// setMode switches to a mode, or from it back to the content.
func (s *FileView) setMode(m fileMode) tea.Cmd {
	if s.mode == m {
		m = asContent
	}
	s.mode = m
	return s.load(nil, false)
}

// text is the window's text without line numbers.
func (s *FileView) text() string {
	if s.page.Kind != viewer.Text && s.page.Kind != viewer.JSON {
		return s.pager.Text()
	}
	var b strings.Builder
	for _, l := range s.page.Lines {
		b.WriteString(l[min(1, len(l)):].Plain() + "\n")
	}
	return b.String()
}

// Why says why an action cannot be done now.
func (s *FileView) Why(action keymap.Action) string {
	switch action {
	case keymap.FileOlder, keymap.FileDiff:
		if s.at == 0 {
			return "this is the first version"
		}
	case keymap.FileNewer:
		if s.at >= len(s.versions)-1 {
			return "this is the newest version"
		}
	case keymap.FileRaw, keymap.FileExtract, keymap.TextCopy:
		if len(s.versions) == 0 {
			return "there is no content"
		}
	}
	return s.textScreen.Why(action)
}

// Summary says which version is shown.
func (s *FileView) Summary() string {
	if n := len(s.versions); n > 1 {
		return fmt.Sprintf("version %d of %d", s.at+1, n)
	}
	return ""
}

// where is the layer the version is of, or the two that are compared.
func (s *FileView) where() string {
	if s.mode == asDiff && s.at > 0 {
		return s.versions[s.at-1].where + " " + s.env.Theme.Glyphs.Arrow + " " + s.versions[s.at].where
	}
	return s.versions[s.at].where
}

// Status says what kind of file it is and which part is in view.
func (s *FileView) Status() string {
	if !s.read || s.err != nil || len(s.versions) == 0 {
		return ""
	}
	parts := []string{s.where(), s.textScreen.Status(), widget.Size(s.size())}
	if s.page.Note != "" {
		parts = append(parts, s.page.Note)
	}
	if len(s.starts) > 1 || s.goesOn() {
		parts = append(parts, fmt.Sprintf("bytes %d-%d", s.page.From.Offset, s.page.Next.Offset))
	}
	if s.cut {
		parts = append(parts, "only the beginning: extract it for the rest")
	}
	return strings.Join(parts, " "+s.env.Theme.Glyphs.Dot+" ")
}

func (s *FileView) askExtract() Dialog {
	v, ctx := s.versions[s.at], s.ctx
	return Ask(s.env, "extract "+s.title, path.Base("/"+s.path), "a new file", "nothing that exists is written over",
		func(dst string) (tea.Cmd, error) {
			if dst == "" {
				return nil, fmt.Errorf("type where to write it")
			}
			return func() tea.Msg {
				if err := v.source.Extract(ctx, v.version.Layer, s.path, homePath(dst)); err != nil {
					return ToastMsg{theme.Danger, "extracting: " + oneLine(err)}
				}
				return ToastMsg{theme.Success, "extracted to " + dst}
			}, nil
		})
}
