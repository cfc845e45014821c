package screens

import (
	"fmt"
	"strings"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"
)

// build makes the table's rows from what is known.
func (s *Containers) build() {
	keys := s.env.Keys
	nothing := []string{"no containers yet", "",
		fmt.Sprintf("press %s for the images and %s on one to run it, or %s and type: run -it debian",
			keys.Binding(keymap.ToImages).Key(), keys.Binding(keymap.Run).Key(), keys.Binding(keymap.Palette).Key())}
	if s.running && len(s.containers) > 0 {
		nothing = []string{"no container runs", "", keys.Binding(keymap.ShowAll).Key() + " shows the stopped ones"}
	}
	s.table.Empty = s.empty(nothing...)
	s.byID = make(map[string]engine.Container, len(s.containers))
	var rows []widget.Row
	for _, c := range s.sorted() {
		s.byID[c.ID] = c
		rows = append(rows, widget.Row{ID: c.ID, Cells: s.cells(c)})
	}
	s.table.SetRows(rows)
	if _, ok := s.byID[s.waiting]; ok {
		s.table.Select(s.waiting)
		s.waiting = ""
	}
}

func (s *Containers) sorted() []engine.Container {
	var out []engine.Container
	for _, c := range s.containers {
		if s.running && !live(c) {
			continue
		}
		if s.filter == "" || widget.ContainsFold(s.filter, c.Name, c.Image, c.ID, string(c.State.Status)) {
			out = append(out, c)
		}
	}
	switch s.sortBy {
	case -1:
	case 4:
		widget.SortBy(out, s.reverse, func(c engine.Container) int64 { return -c.Created.UnixNano() })
	default:
		widget.SortBy(out, s.reverse, func(c engine.Container) string { return s.cells(c)[s.sortBy].Text })
	}
	return out
}

func (s *Containers) cells(c engine.Container) []widget.Cell {
	status := s.status(c)
	if c.Damaged != "" {
		return []widget.Cell{{Text: ShortID(c.ID)}, {Text: c.Damaged, Role: theme.Danger}, status}
	}
	name := theme.Plain
	if !live(c) {
		name = theme.Muted
	}
	return []widget.Cell{
		{Text: displayName(c), Role: name},
		{Text: imageName(c), Role: name},
		status,
		{Text: ports(c)},
		{Text: widget.Age(s.now, c.Created), Role: theme.Muted},
		{Text: ShortID(c.ID), Role: theme.Muted},
		{Text: words(command(c)), Role: theme.Muted},
	}
}

// status is a sign and a word, and how long it has been so.
func (s *Containers) status(c engine.Container) widget.Cell {
	g, st := s.env.Theme.Glyphs, c.State
	since := func(t time.Time) string {
		if age := widget.Age(s.now, t); age != "" {
			return " " + age
		}
		return ""
	}
	if doing := s.busy[c.ID]; doing != "" {
		return widget.Cell{Text: g.Busy + " " + doing, Role: theme.Warning}
	}
	switch {
	case c.Damaged != "":
		return widget.Cell{Text: g.Damaged + " damaged", Role: theme.Danger}
	case st.Status == engine.Running:
		return widget.Cell{Text: g.Running + " up" + since(st.StartedAt), Role: theme.Success}
	case st.Status == engine.Paused:
		return widget.Cell{Text: g.Paused + " paused", Role: theme.Warning}
	case st.Status == engine.Created:
		return widget.Cell{Text: g.Created + " created", Role: theme.Muted}
	case st.Status != engine.Exited:
		return widget.Cell{Text: g.Damaged + " " + string(st.Status), Role: theme.Warning}
	case st.OOMKilled:
		return widget.Cell{Text: g.Failed + " out of memory" + since(st.FinishedAt), Role: theme.Danger}
	case st.ExitCode == 0 || st.Stopped:
		return widget.Cell{Text: fmt.Sprintf("%s exited %d%s", g.Exited, st.ExitCode, since(st.FinishedAt)), Role: theme.Muted}
	default:
		return widget.Cell{Text: fmt.Sprintf("%s exited %d%s", g.Failed, st.ExitCode, since(st.FinishedAt)), Role: theme.Danger}
	}
}

func imageName(c engine.Container) string {
	if c.Image != "" {
		return c.Image
	}
	return ShortID(c.ImageID.String())
}

// command is what the container runs.
func command(c engine.Container) []string {
	return append(append([]string{}, c.Config.Entrypoint...), c.Config.Cmd...)
}

// ports lists what is published, as short as it can be said.
func ports(c engine.Container) string {
	mappings := c.State.Ports
	if !live(c) || len(mappings) == 0 {
		mappings = c.Host.Ports
	}
	out := make([]string, len(mappings))
	for i, m := range mappings {
		out[i] = port(m)
	}
	return strings.Join(out, " ")
}

func port(m engine.PortMapping) string {
	s := fmt.Sprint(m.ContainerPort)
	if m.Proto != "" && m.Proto != "tcp" {
		s += "/" + m.Proto
	}
	switch {
	case m.HostPort == 0:
		return s
	case m.HostIP == "" || m.HostIP == "127.0.0.1":
		return fmt.Sprintf("%d:%s", m.HostPort, s)
	case strings.Contains(m.HostIP, ":"):
		return fmt.Sprintf("[%s]:%d:%s", m.HostIP, m.HostPort, s)
	default:
		return fmt.Sprintf("%s:%d:%s", m.HostIP, m.HostPort, s)
	}
}
