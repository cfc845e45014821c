package screens

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"
)

// detailMemo keeps what the index said of the selected path.
type detailMemo struct {
	of       LayerSource
	path     string
	versions []engine.PathVersion
}

// versions are what the layers did to path, oldest first.
func (s *Layers) versions(of LayerSource, path string) []engine.PathVersion {
	if s.detail.of != of || s.detail.path != path {
		s.detail = detailMemo{of, path, of.Path(path)}
	}
	return s.detail.versions
}

// rowSource is the image a row's layer belongs to.
func (s *Layers) rowSource(row engine.LayerRow) LayerSource {
	if s.diff != nil && row.Class == engine.PathRemoved && row.Flags&engine.PathInherited == 0 {
		return s.other
	}
	return s.index
}

// details are the lines below the panes: of the path in the tree, or of the
// instruction.
func (s *Layers) details() []string {
	if s.inTree && s.tree.length() > 0 {
		return s.pathDetail(s.tree.selected())
	}
	st, ok := s.selectedStep()
	if !ok {
		return nil
	}
	return s.stepDetail(st)
}

func (s *Layers) stepDetail(st layerStep) []string {
	t := s.env.Theme
	text := st.Instruction
	if text == "" {
		text = st.Comment
	}
	var lines []string
	room := s.detailHeight() - 2
	for i, part := range widget.WrapText(text, s.width-4) {
		if i == room {
			lines[room-1] = widget.Fit(lines[room-1], s.width-3, "") + t.Glyphs.Ellipsis
			break
		}
		lines = append(lines, "  "+t.Paint(theme.Heading, part))
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	if st.Empty {
		return append(lines, "  "+t.Paint(theme.Muted, "it made no files: only the configuration changed"))
	}
	facts := []string{widget.Size(st.Size) + " in " + plural(st.Files, "file", "files")}
	for _, f := range []struct {
		n    int64
		text string
	}{{st.Added, "%s at new paths"}, {st.Killed, "kills %s below"}, {st.DiedLater, "%s dies later"}} {
		if f.n > 0 {
			facts = append(facts, fmt.Sprintf(f.text, widget.Size(f.n)))
		}
	}
	id := s.shownDigest(string(st.DiffID))
	if st.BlobSize > 0 {
		id += "  " + widget.Size(st.BlobSize) + " compressed"
	}
	return append(lines, "  "+strings.Join(facts, t.Paint(theme.Muted, " "+t.Glyphs.Dot+" ")), "  "+t.Paint(theme.Muted, id))
}

func (s *Layers) pathDetail(row engine.LayerRow) []string {
	t := s.env.Theme
	source := s.rowSource(row)
	versions := s.versions(source, row.Path)
	v := versionAt(versions, row.Layer)
	head := "  " + t.Paint(theme.Heading, "/"+row.Path)
	if v.Link != "" {
		sign := " " + t.Glyphs.Arrow + " "
		if v.Kind != engine.KindSymlink {
			sign = " is the same file as /"
		}
		head += t.Paint(theme.Muted, sign) + v.Link
	}
	facts := []string{modeString(row.Kind, row.Mode), fmt.Sprintf("%d:%d", row.UID, row.GID)}
	if row.Size > 0 || row.Kind == engine.KindFile {
		facts = append(facts, widget.Size(row.Size))
	}
	if v.Kind == engine.KindChar || v.Kind == engine.KindBlock {
		facts = append(facts, fmt.Sprintf("device %d:%d", v.Major, v.Minor))
	}
	if !v.ModTime.IsZero() {
		facts = append(facts, v.ModTime.UTC().Format("2006-01-02 15:04"))
	}
	if v.Digest != "" {
		facts = append(facts, s.shownDigest(string(v.Digest)))
	}
	second := "  " + strings.Join(facts, "  ")
	if special := specials(row.Flags | v.Flags); special != "" {
		second += "  " + t.Paint(theme.Warning, special)
	}
	lines := []string{head, second, s.blame(source, versions, row)}
	if s.detailHeight() > 3 {
		lines = append(lines, s.lifeLine(versions), s.attributes(v))
	}
	return lines
}

// shownDigest is all of a digest where there is room.
func (s *Layers) shownDigest(d string) string {
	if s.width < sideBySideFrom+20 {
		return ShortID(d)
	}
	return d
}

// versionAt is what layer did to a path, or the last that was done before it.
func versionAt(versions []engine.PathVersion, layer int) engine.PathVersion {
	var out engine.PathVersion
	for _, v := range versions {
		if v.Layer <= layer {
			out = v
		}
	}
	return out
}

// specials names what the flags say, besides what a mode shows.
func specials(f engine.PathFlags) string {
	var out []string
	for _, a := range []struct {
		flag engine.PathFlags
		name string
	}{
		{engine.PathSetuid, "setuid"}, {engine.PathSetgid, "setgid"}, {engine.PathSticky, "sticky"},
		{engine.PathCapabilities, "capabilities"}, {engine.PathOpaque, "hides all below"},
		{engine.PathImplied, "without an entry"}, {engine.PathRewritten, "stored again unchanged"},
	} {
		if f&a.flag != 0 {
			out = append(out, a.name)
		}
	}
	return strings.Join(out, ", ")
}

// blame says which instruction made, changed or removed the path as shown.
func (s *Layers) blame(source LayerSource, versions []engine.PathVersion, row engine.LayerRow) string {
	t := s.env.Theme
	layers := source.Layers()
	v, ok := s.cause(versions, row)
	if !ok || v.Layer >= len(layers) {
		return ""
	}
	verb, role := verbOf(v.Class)
	return "  " + t.Paint(role, fmt.Sprintf("%s in %d", verb, v.Layer+1)) + "  " + instructionOf(layers[v.Layer])
}

// cause is the version that made the row what it is: for one removed within
// the view the removal, else the newest that counts.
func (s *Layers) cause(versions []engine.PathVersion, row engine.LayerRow) (engine.PathVersion, bool) {
	if row.Class == engine.PathRemoved && row.Flags&engine.PathInherited == 0 && s.diff == nil {
		_, to := s.span()
		if v := versionAt(versions, to); v.Class == engine.PathRemoved {
			return v, true
		}
	}
	for _, v := range slices.Backward(telling(versions)) {
		if v.Layer <= row.Layer {
			return v, true
		}
	}
	return engine.PathVersion{}, false
}

// telling leaves out the entries that layers have for directories they only
// write into.
func telling(versions []engine.PathVersion) []engine.PathVersion {
	return slices.DeleteFunc(slices.Clone(versions), func(v engine.PathVersion) bool {
		return v.Kind == engine.KindDir && v.Class == engine.PathUnmodified
	})
}

func verbOf(c engine.PathClass) (string, theme.Role) {
	switch c {
	case engine.PathAdded:
		return "made", theme.Added
	case engine.PathRemoved:
		return "removed", theme.Removed
	case engine.PathChanged:
		return "changed", theme.Changed
	default:
		return "rewritten", theme.Muted
	}
}

func instructionOf(l engine.LayerInfo) string {
	if l.Instruction != "" {
		return l.Instruction
	}
	return l.Comment
}

// lifeLine lists all versions of a path in one line.
func (s *Layers) lifeLine(versions []engine.PathVersion) string {
	versions = telling(versions)
	if len(versions) < 2 {
		return ""
	}
	t := s.env.Theme
	parts := make([]string, len(versions))
	for i, v := range versions {
		verb, role := verbOf(v.Class)
		text := fmt.Sprintf("%s in %d", verb, v.Layer+1)
		if v.Kind == engine.KindFile {
			text += " (" + widget.Size(v.Size) + ")"
		}
		parts[i] = t.Paint(role, text)
	}
	return "  " + t.Paint(theme.Muted, "history  ") + strings.Join(parts, t.Paint(theme.Muted, ", "))
}

func (s *Layers) attributes(v engine.PathVersion) string {
	t := s.env.Theme
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(v.Xattrs)) {
		parts = append(parts, name+"="+v.Xattrs[name])
	}
	if len(parts) == 0 {
		return ""
	}
	return "  " + t.Paint(theme.Muted, "attributes  ") + strings.Join(parts, "  ")
}
