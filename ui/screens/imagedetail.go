package screens

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// ImageDetail shows an image's history and configuration.
type ImageDetail struct {
	textScreen
	row     imageRow
	history []engine.HistoryEntry
	err     error
	now     time.Time
}

type historyReadMsg struct {
	of      *ImageDetail
	history []engine.HistoryEntry
	err     error
	now     time.Time
}

// NewImageDetail returns the detail screen of one row of the images.
func NewImageDetail(env *Env, row imageRow) *ImageDetail {
	s := &ImageDetail{row: row}
	s.textScreen = textScreen{env: env, title: engine.Printable(row.show())}
	return s
}

// Init reads the history.
func (s *ImageDetail) Init() tea.Cmd {
	return func() tea.Msg {
		history, err := s.env.Images.History(s.env.Ctx, s.row.ref())
		return historyReadMsg{s, history, err, s.env.Now()}
	}
}

// Update takes the history in.
func (s *ImageDetail) Update(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(historyReadMsg); ok && msg.of == s {
		s.history, s.err, s.now = msg.history, msg.err, msg.now
		s.pager.SetLines(s.text())
	}
	return nil
}

// Summary says how large the image is.
func (s *ImageDetail) Summary() string {
	return widget.Size(s.row.image.Size) + " in " + plural(len(s.row.image.Layers), "layer", "layers")
}

// Why adds nothing to what holds for all text.
func (s *ImageDetail) Why(action keymap.Action) string { return s.textScreen.Why(action) }

func (s *ImageDetail) text() []widget.TextLine {
	lines := []widget.TextLine{widget.Heading("History, newest first")}
	if s.err != nil {
		lines = append(lines, widget.TextLine{{Text: "  cannot be read: " + s.err.Error(), Role: theme.Danger}})
	}
	for _, h := range s.history {
		lines = append(lines, historyLine(h, s.now))
	}
	lines = append(lines, nil)
	lines = append(lines, s.imageLines()...)
	return append(lines, s.configLines()...)
}

func historyLine(h engine.HistoryEntry, now time.Time) widget.TextLine {
	size, role := widget.Size(h.Size), theme.Plain
	if h.Empty {
		size, role = "-", theme.Muted
	}
	by := instruction(h.CreatedBy)
	if by == "" {
		by = h.Comment
	}
	return widget.TextLine{
		{Text: widget.FitRight(size, 9, ""), Role: role},
		{Text: widget.FitRight(widget.Age(now, h.Created), 6, "") + "  ", Role: theme.Muted},
		{Text: by, Role: role},
	}
}

// instruction turns what builders write into a history back into the line of
// the Dockerfile it came from.
func instruction(createdBy string) string {
	s := strings.TrimSuffix(strings.TrimSpace(createdBy), " # buildkit")
	if rest, ok := strings.CutPrefix(s, "/bin/sh -c #(nop) "); ok {
		return strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(s, "/bin/sh -c "); ok {
		return "RUN " + strings.TrimSpace(rest)
	}
	return strings.Replace(s, "RUN /bin/sh -c ", "RUN ", 1)
}

func (s *ImageDetail) imageLines() []widget.TextLine {
	i := s.row.image
	lines := []widget.TextLine{
		widget.Heading("Image"),
		widget.Field("id", i.ID.String()),
		widget.Field("names", strings.Join(i.Names, ", ")),
		widget.Field("platform", i.Platform),
		widget.Field("created", localTime(i.Created)),
		widget.Field("size", widget.Size(i.Size)),
	}
	for _, d := range i.RepoDigests {
		lines = append(lines, widget.Field("digest", d))
	}
	if i.Damaged != "" {
		lines = append(lines, widget.TextLine{{Text: "  damaged       ", Role: theme.Danger}, {Text: i.Damaged, Role: theme.Danger}})
	}
	return append(lines, nil)
}

func (s *ImageDetail) configLines() []widget.TextLine {
	c := s.row.image.Config.Config
	lines := []widget.TextLine{widget.Heading("Configuration")}
	add := func(name string, values ...string) {
		for _, v := range values {
			if v != "" {
				lines = append(lines, widget.Field(name, v))
				name = ""
			}
		}
	}
	add("entrypoint", words(c.Entrypoint))
	add("command", words(c.Cmd))
	add("user", c.User)
	add("directory", c.WorkingDir)
	add("stop signal", c.StopSignal)
	add("ports", slices.Sorted(maps.Keys(c.ExposedPorts))...)
	add("volumes", slices.Sorted(maps.Keys(c.Volumes))...)
	add("environment", c.Env...)
	add("labels", pairs(c.Labels)...)
	if len(lines) == 1 {
		lines = append(lines, widget.TextLine{{Text: "  empty", Role: theme.Muted}})
	}
	return lines
}

func pairs(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return out
}

func localTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05 -0700")
}
