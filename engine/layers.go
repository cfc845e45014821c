package engine

import (
	"context"

	"gantry/images/layers"
)

// What the layer inspector shows; see package layers.
type (
	LayerIndex       = layers.Index
	LayerInfo        = layers.Layer
	LayerView        = layers.View
	LayerViewOptions = layers.ViewOptions
	LayerRow         = layers.Row
	LayerTotals      = layers.Totals
	LayerPattern     = layers.Pattern
	LayerHit         = layers.Hit
	LayerStats       = layers.Stats
	LayerWaste       = layers.WastePath
	PathVersion      = layers.Version
	PathClass        = layers.Class
	PathFlags        = layers.Flags
	PathKind         = layers.Kind
	FileContent      = layers.Content
	FilePreview      = layers.Preview
	FileForm         = layers.Form
	GrepOptions      = layers.GrepOptions
	GrepHit          = layers.GrepHit
	ImageDiff        = layers.Diff
	CheckRules       = layers.Rules
	CheckResult      = layers.RuleResult
)

// Constants of package layers.
const (
	PathUnmodified = layers.Unmodified
	PathAdded      = layers.Added
	PathChanged    = layers.Changed
	PathRemoved    = layers.Removed

	PathSetuid       = layers.Setuid
	PathSetgid       = layers.Setgid
	PathSticky       = layers.Sticky
	PathCapabilities = layers.Capabilities
	PathXattrs       = layers.Xattrs
	PathHardLink     = layers.HardLink
	PathOpaque       = layers.Opaque
	PathWhiteout     = layers.Whiteout
	PathImplied      = layers.Implied
	PathRewritten    = layers.Rewritten
	PathInherited    = layers.Inherited

	KindFile    = layers.File
	KindDir     = layers.Dir
	KindSymlink = layers.Symlink
	KindChar    = layers.Char
	KindBlock   = layers.Block
	KindFifo    = layers.Fifo
	KindGone    = layers.Gone

	CompareLayer     = layers.CompareLayer
	CompareAggregate = layers.CompareAggregate

	MatchSubstring = layers.Substring
	MatchRegexp    = layers.Regexp
	MatchFuzzy     = layers.Fuzzy

	FormEmpty   = layers.FormEmpty
	FormText    = layers.FormText
	FormJSON    = layers.FormJSON
	FormELF     = layers.FormELF
	FormArchive = layers.FormArchive
	FormBinary  = layers.FormBinary
)

// LayerIndex opens an image for inspection. source is a name or ID of an image
// in the store, oci:DIR, docker-archive:FILE, oci-archive:FILE, registry://REF,
// or the path of such a directory or file. The caller closes the index.
func (e *Engine) LayerIndex(ctx context.Context, source string) (*LayerIndex, error) {
	return &LayerIndex{}, nil
}

// CompareImages opens two images, each as LayerIndex does. The caller closes
// the result.
func (e *Engine) CompareImages(ctx context.Context, a, b string) (*ImageDiff, error) {
	return &ImageDiff{}, nil
}
