package engine

import (
	"context"
	"errors"
	"io"

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
	LayerMatch       = layers.Match
	LayerCompare     = layers.Compare
	DiveStats        = layers.DiveStats
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
	CheckOutcome     = layers.Outcome
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

	CheckPass = layers.Pass
	CheckFail = layers.Fail
	CheckSkip = layers.Skip

	FormEmpty   = layers.FormEmpty
	FormText    = layers.FormText
	FormJSON    = layers.FormJSON
	FormELF     = layers.FormELF
	FormArchive = layers.FormArchive
	FormBinary  = layers.FormBinary
)

// LayerIndex opens an image for inspection. source is a name or ID of an image
// in the store, oci:DIR, docker-archive:FILE, oci-archive:FILE, registry://REF,
// or the path of such a directory or file. Behind DIR and FILE goes :NAME or
// :@NUMBER where there are several images. The caller closes the index.
func (e *Engine) LayerIndex(ctx context.Context, source string) (*LayerIndex, error) {
	return layers.Store{Images: e.images, Layers: e.layers}.Open(ctx, source)
}

// CompareImages opens two images, each as LayerIndex does. The caller closes
// the result.
func (e *Engine) CompareImages(ctx context.Context, a, b string) (*ImageDiff, error) {
	x, err := e.LayerIndex(ctx, a)
	if err != nil {
		return nil, err
	}
	y, err := e.LayerIndex(ctx, b)
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	d, err := x.Against(y)
	if err != nil {
		return nil, errors.Join(err, x.Close(), y.Close())
	}
	return d, nil
}

// DefaultCheckRules are the thresholds of dive.
func DefaultCheckRules() CheckRules { return layers.DefaultRules() }

// ParseCheckRules reads a .dive-ci file over base.
func ParseCheckRules(r io.Reader, base CheckRules) (CheckRules, error) {
	return layers.ParseRules(r, base)
}

// CheckPassed reports whether no rule failed.
func CheckPassed(results []CheckResult) bool { return layers.Passed(results) }

// FileMode writes mode bits as ls does.
func FileMode(k PathKind, mode uint32) string { return layers.ModeString(k, mode) }
