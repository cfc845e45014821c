package screens

import (
	"fmt"
	"slices"

	"gantry/engine"

	tea "charm.land/bubbletea/v2"
)

// fileVersion is one version of a file's content and where to read it.
type fileVersion struct {
	source  LayerFiles
	version engine.PathVersion
	where   string // "layer 4", or the image it is of
}

// fileVersions are the versions of a row's content, oldest first: of two
// images what each has, of one what its layers have.
func (s *Layers) fileVersions(row engine.LayerRow) []fileVersion {
	if s.diff != nil {
		var out []fileVersion
		for _, side := range []struct {
			source LayerSource
			name   string
		}{{s.other, s.against}, {s.index, shortSource(s.source)}} {
			if v, ok := liveFile(side.source.Path(row.Path)); ok {
				out = append(out, fileVersion{side.source, v, side.name})
			}
		}
		return out
	}
	var out []fileVersion
	for _, v := range s.versions(s.index, row.Path) {
		if v.Kind == engine.KindFile {
			out = append(out, fileVersion{s.index, v, fmt.Sprintf("layer %d", v.Layer+1)})
		}
	}
	return out
}

// liveFile is the file the finished image has, if it has one.
func liveFile(versions []engine.PathVersion) (engine.PathVersion, bool) {
	for _, v := range slices.Backward(versions) {
		if v.Died < 0 && v.Kind == engine.KindFile {
			return v, true
		}
	}
	return engine.PathVersion{}, false
}

// shownVersion is the place of the version that row shows.
func (s *Layers) shownVersion(row engine.LayerRow, versions []fileVersion) int {
	of := s.rowSource(row)
	for i, v := range slices.Backward(versions) {
		if v.version.Layer == row.Layer && v.source == LayerFiles(of) {
			return i
		}
	}
	return len(versions) - 1
}

func (s *Layers) openFile(row engine.LayerRow) tea.Cmd {
	versions := s.fileVersions(row)
	return s.env.Open(NewFileView(s.env, row.Path, versions, s.shownVersion(row, versions)))
}

// openDiff opens the file at what changed in it.
func (s *Layers) openDiff() tea.Cmd {
	row := s.tree.selected()
	versions := s.fileVersions(row)
	view := NewFileView(s.env, row.Path, versions, max(1, s.shownVersion(row, versions)))
	view.mode = asDiff
	return s.env.Open(view)
}
