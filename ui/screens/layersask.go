package screens

import (
	"fmt"
	"path"
	"strings"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
	"github.com/docker/go-units"
)

func filterLabel(m engine.LayerMatch) string {
	switch m {
	case engine.MatchRegexp:
		return "filter (regular expression)"
	case engine.MatchFuzzy:
		return "filter (fuzzy)"
	default:
		return "filter"
	}
}

// setFilter narrows the tree. A ~ in front of text makes it a regular
// expression.
func (s *Layers) setFilter(text string, match engine.LayerMatch) {
	s.memo = ""
	if s.show.match.Text == "" && s.tree.tree != nil {
		s.show.base = s.tree.tree
	}
	s.show.filter = text
	s.show.match = engine.LayerPattern{Text: text, Match: match}
	if rest, ok := strings.CutPrefix(text, "~"); ok && match == engine.MatchSubstring {
		s.show.match = engine.LayerPattern{Text: rest, Match: engine.MatchRegexp}
	}
	s.rebuild()
}

// askFilter narrows while it is typed; the key for the next field goes through
// the kinds of filter.
func (s *Layers) askFilter() {
	before, kind := s.show.filter, s.filterKind()
	input := widget.NewInput(before, "part of a path, or ~ and a regular expression")
	s.inTree = true
	s.prompt = &Prompt{
		Label: filterLabel(kind) + ": ", Input: input, Live: true,
		Typed: func(text string) tea.Cmd { s.setFilter(text, s.filterKind()); return s.also(nil) },
		Next: func() tea.Cmd {
			s.nextFilterKind()
			s.prompt.Label = filterLabel(s.filterKind()) + ": "
			return s.also(nil)
		},
		Accept: func(string) tea.Cmd { s.prompt = nil; return nil },
		Cancel: func() tea.Cmd { s.prompt = nil; s.setFilter(before, kind); return s.also(nil) },
	}
}

// filterKind is the kind that was chosen, whatever a ~ makes of the text.
func (s *Layers) filterKind() engine.LayerMatch {
	if strings.HasPrefix(s.show.filter, "~") && s.show.match.Match == engine.MatchRegexp && s.show.match.Text == s.show.filter[1:] {
		return engine.MatchSubstring
	}
	return s.show.match.Match
}

func (s *Layers) nextFilterKind() {
	next := map[engine.LayerMatch]engine.LayerMatch{
		engine.MatchSubstring: engine.MatchRegexp, engine.MatchRegexp: engine.MatchFuzzy, engine.MatchFuzzy: engine.MatchSubstring,
	}
	s.setFilter(s.show.filter, next[s.filterKind()])
}

func (s *Layers) askMinSize() {
	value := ""
	if s.show.minSize > 0 {
		value = strings.ReplaceAll(widget.Size(s.show.minSize), " ", "")
	}
	s.prompt = &Prompt{
		Label: "hide what is smaller than: ", Input: widget.NewInput(value, "1MB; nothing shows all"),
		Accept: func(text string) tea.Cmd {
			s.prompt, s.memo = nil, ""
			n := int64(0)
			if text = strings.ReplaceAll(text, " ", ""); text != "" {
				var err error
				if n, err = units.FromHumanSize(text); err != nil || n < 0 {
					return Toast(theme.Warning, fmt.Sprintf("%q is no size: write 500kB or 1MB", text))
				}
			}
			s.show.minSize = n
			s.rebuild()
			return s.also(nil)
		},
		Cancel: func() tea.Cmd { s.prompt = nil; return nil },
	}
}

func (s *Layers) askSearch() {
	s.prompt = &Prompt{
		Label: "search in files: ", Input: widget.NewInput("", "text, or ~ and a regular expression"),
		Accept: func(text string) tea.Cmd {
			s.prompt = nil
			if strings.TrimPrefix(text, "~") == "" {
				return nil
			}
			return s.env.Open(NewFileSearch(s.env, s.index, s.source, text))
		},
		Cancel: func() tea.Cmd { s.prompt = nil; return nil },
	}
}

// compare asks which image to compare with, or stops comparing.
func (s *Layers) compare() tea.Cmd {
	if s.diff != nil {
		s.stopComparing()
		return nil
	}
	return s.env.Ask(Ask(s.env, "compare "+engine.Printable(shortSource(s.source))+" with", "", "debian:bookworm",
		"the name of an image, or of an archive of one", func(name string) (tea.Cmd, error) {
			if name == "" {
				return nil, fmt.Errorf("type the name of an image")
			}
			ctx, compare := s.ctx, s.env.CompareLayers
			return func() tea.Msg {
				diff, err := compare(ctx, name, s.source)
				if err == nil {
					closeWith(ctx, diff)
				}
				return layersComparedMsg{s, name, diff, err}
			}, nil
		}))
}

// askExtract asks where to write what is selected.
func (s *Layers) askExtract() Dialog {
	st, _ := s.selectedStep()
	source, layer, from := LayerFiles(s.index), st.n, ""
	title, to := fmt.Sprintf("extract layer %d as a tar", st.n+1), fmt.Sprintf("layer-%d.tar", st.n+1)
	if st.other {
		source = s.other
	}
	if s.inTree {
		row := s.tree.selected()
		from, source = row.Path, s.rowSource(row)
		layer = max(row.Layer, s.shownLayer(row))
		title, to = "extract /"+from, path.Base("/"+from)
	}
	return Ask(s.env, engine.Printable(title), to, "a new file or directory", "nothing that exists is written over",
		func(dst string) (tea.Cmd, error) {
			if dst == "" {
				return nil, fmt.Errorf("type where to write it")
			}
			ctx := s.ctx
			return func() tea.Msg {
				if from == "" {
					return layersExtractedMsg{s, dst, source.ExtractLayer(ctx, layer, homePath(dst))}
				}
				return layersExtractedMsg{s, dst, source.Extract(ctx, layer, from, homePath(dst))}
			}, nil
		})
}

// shownLayer is the layer after which row is as it is shown.
func (s *Layers) shownLayer(row engine.LayerRow) int {
	if s.diff != nil || row.Class == engine.PathRemoved {
		return row.Layer
	}
	_, to := s.span()
	return to
}

func (s *Layers) copyPath() tea.Cmd {
	text := "/" + s.tree.selected().Path
	if !s.inTree {
		st, _ := s.selectedStep()
		text = instructionOf(st.LayerInfo)
	}
	return tea.Batch(tea.SetClipboard(text), Toast(theme.Plain, "copied "+text))
}

func (s *Layers) copyDigest() tea.Cmd {
	st, _ := s.selectedStep()
	text := string(st.DiffID)
	if s.inTree {
		row := s.tree.selected()
		text = string(versionAt(s.versions(s.rowSource(row), row.Path), row.Layer).Digest)
	}
	if text == "" {
		return Toast(theme.Warning, "it has no digest: only files and layers have")
	}
	return tea.Batch(tea.SetClipboard(text), Toast(theme.Plain, "copied "+text))
}

// stepVersion goes to the layer that has the path's version before or after
// the one shown.
func (s *Layers) stepVersion(by int) tea.Cmd {
	row := s.tree.selected()
	_, at := s.span()
	want := -1
	for _, v := range s.versions(s.index, row.Path) {
		if by < 0 && v.Layer < at || by > 0 && v.Layer > at && want < 0 {
			want = v.Layer
		}
	}
	if want < 0 {
		return Toast(theme.Warning, map[bool]string{true: "no older version", false: "no newer version"}[by < 0])
	}
	return s.goTo(want, row.Path)
}

// goTo selects a layer and a path in it.
func (s *Layers) goTo(layer int, path string) tea.Cmd {
	s.memo = ""
	s.show.anchor = -1
	for i, st := range s.steps {
		if st.n == layer && !st.other {
			s.list.Select(stepID(i))
		}
	}
	s.fill()
	s.rebuild()
	if s.tree.tree == nil || !s.tree.reveal(path) {
		return Toast(theme.Warning, "the filters hide it in that layer")
	}
	s.inTree = true
	return nil
}

// historyMenu lists the layers that touch the selected path.
func (s *Layers) historyMenu() Dialog {
	row := s.tree.selected()
	source := s.rowSource(row)
	layers := source.Layers()
	var items []widget.MenuItem
	for i, v := range s.versions(source, row.Path) {
		verb, _ := verbOf(v.Class)
		size := ""
		if v.Kind == engine.KindFile {
			size = widget.Size(v.Size)
		}
		items = append(items, widget.MenuItem{
			ID: fmt.Sprint(i),
			Label: widget.FitRight(fmt.Sprint(v.Layer+1), 3, "") + "  " + widget.Fit(verb, 9, "") +
				widget.FitRight(size, 7, "") + "  " + instructionOf(layers[v.Layer]),
		})
	}
	versions := s.versions(source, row.Path)
	return Choose(s.env, "/"+row.Path, items, func(id string) tea.Cmd {
		var i int
		_, _ = fmt.Sscan(id, &i)
		if i >= len(versions) || source != s.index || s.diff != nil {
			return Toast(theme.Warning, s.Why(keymap.Range))
		}
		return s.also(s.goTo(versions[i].Layer, row.Path))
	})
}
