// Package layers answers what is in an image and which instruction put it
// there. It merges the tables of contents of an image's layers into one Index:
// every path once, in tree order, with the short list of what each layer did to
// it. A layer, a range of layers and the whole image are filters over that
// list; nothing is copied per layer.
//
// Paths, link targets, attribute names and instructions are made printable when
// they are read, so that whatever this package returns may be drawn. Two names
// that only differ in what cannot be printed are told apart by a ~2 behind one.
//
// What it does not do: fetch whole images, unpack, mount, or draw.
package layers

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// Layer is one instruction of the image, lowest first. Instructions that made
// no files are Empty; they keep their place so that the list reads as the
// Dockerfile did. Layer numbers everywhere in this package are places in
// Index.Layers, from 0.
type Layer struct {
	Instruction string        `json:"instruction"` // as the Dockerfile had it, e.g. "RUN apt-get update"
	CreatedBy   string        `json:"created_by"`  // as the history has it
	Comment     string        `json:"comment,omitempty"`
	Created     time.Time     `json:"created,omitzero"`
	Empty       bool          `json:"empty,omitempty"`
	DiffID      digest.Digest `json:"diff_id,omitempty"`
	Blob        digest.Digest `json:"blob,omitempty"`   // as stored or served, when known
	BlobSize    int64         `json:"blob_size"`        // compressed bytes, 0 when unknown
	Files       int           `json:"files"`            // regular files, hard links counted once
	Size        int64         `json:"size"`             // bytes in them
	Added       int64         `json:"added"`            // bytes of them at paths that were not there below
	Killed      int64         `json:"killed"`           // bytes below that this layer replaces or removes
	DiedLater   int64         `json:"died_later"`       // bytes of this layer that later layers replace or remove
	Shared      bool          `json:"shared,omitempty"` // also in the other image, in a Diff
}

// Class says what a range of layers did to a path.
type Class uint8

// Classes of a path.
const (
	Unmodified Class = iota
	Added
	Changed
	Removed
)

// Flags mark what deserves a look.
type Flags uint16

// Flags of a version of a path.
const (
	Setuid       Flags = 1 << iota
	Setgid             // of a file
	Sticky             // of a directory
	Capabilities       // security.capability is set
	Xattrs             // has extended attributes
	HardLink           // another name of Link; its bytes are counted there
	Opaque             // a directory that hides what lower layers have in it
	Whiteout           // the version removes the path
	Implied            // a directory without an entry of its own
	Rewritten          // the same file again: bytes stored twice for nothing
	Inherited          // unmodified itself, only something in it is not
)

// Kind of a file, as a letter in the manner of ls and find.
type Kind byte

// Kinds of files.
const (
	File    Kind = 'f'
	Dir     Kind = 'd'
	Symlink Kind = 'l'
	Char    Kind = 'c'
	Block   Kind = 'b'
	Fifo    Kind = 'p'
	Gone    Kind = '-' // a whiteout
)

// Version is what one layer did to a path.
type Version struct {
	Layer   int               `json:"layer"`
	Class   Class             `json:"class"` // against the version before
	Kind    Kind              `json:"kind"`
	Flags   Flags             `json:"flags,omitempty"`
	Mode    uint32            `json:"mode"` // permission bits, setuid, setgid, sticky
	UID     int               `json:"uid"`
	GID     int               `json:"gid"`
	Size    int64             `json:"size"` // of a file; of a hard link's file
	Digest  digest.Digest     `json:"digest,omitempty"`
	Link    string            `json:"link,omitempty"` // target of a symbolic or hard link
	ModTime time.Time         `json:"mod_time,omitzero"`
	Xattrs  map[string]string `json:"xattrs,omitempty"` // values in printable form
	Major   uint32            `json:"major,omitempty"`
	Minor   uint32            `json:"minor,omitempty"`
	// Died is the layer that replaced or removed this version, -1 when it is
	// in the finished image.
	Died int `json:"died"`
}

// Row is one line of a view's tree.
type Row struct {
	Path     string // from the root, without a slash in front
	Name     string
	Depth    int
	Class    Class
	Kind     Kind
	Flags    Flags
	Children bool // a directory with something to show in it
	Open     bool
	Size     int64 // of the file, or of all files shown below
	Mode     uint32
	UID, GID int
	Link     string
	// Layer has the version that is shown: the newest in the view, or the one
	// that was removed.
	Layer   int
	Matched bool // by the filter itself, not for what is in it or around it
}

// Compare chooses what a view is compared with.
type Compare uint8

// Comparisons.
const (
	// CompareLayer sets layers from..to against what lies below from.
	CompareLayer Compare = iota
	// CompareAggregate sets all layers up to to against the lowest layer.
	CompareAggregate
)

// Match is how a pattern is understood.
type Match uint8

// Ways to match.
const (
	Substring Match = iota // without regard to case unless the pattern has capitals
	Regexp                 // Go's syntax
	Fuzzy                  // the letters in order, somewhere
)

// Pattern chooses paths. An empty Text matches all.
type Pattern struct {
	Text  string
	Match Match
}

// ViewOptions say what a view shows; the zero value shows everything.
type ViewOptions struct {
	Compare    Compare
	Hide       map[Class]bool
	Filter     Pattern
	MinSize    int64          // hides files below, and directories with nothing larger in all
	Only       func(Row) bool // further condition for files; directories follow
	SortBySize bool
	// Like is an earlier view of the same image whose open directories stay
	// open.
	Like *View
	// Flat opens every directory.
	Flat bool
}

// Hit is a path that Find found.
type Hit struct {
	Path  string `json:"path"`
	Kind  Kind   `json:"kind"`
	Size  int64  `json:"size"`
	Layer int    `json:"layer"` // the last one that touched it
	Live  bool   `json:"live"`  // in the finished image
	Score int    `json:"score,omitempty"`
}

// Stats is what the image costs. Reclaimable counts every stored copy that the
// finished image does not use, once. The figures called Dive are computed by
// dive's formulas, so that thresholds made for it keep their meaning, except
// that what an opaque directory hides counts as removed.
type Stats struct {
	Size        int64       `json:"size"`      // bytes in files of all layers
	UserSize    int64       `json:"user_size"` // the same without the lowest layer
	Live        int64       `json:"live"`      // in the finished image
	Reclaimable int64       `json:"reclaimable"`
	Efficiency  float64     `json:"efficiency"` // Live ÷ Size
	Dive        DiveStats   `json:"dive"`
	Waste       []WastePath `json:"waste"` // most reclaimable bytes first
}

// DiveStats are dive's figures.
type DiveStats struct {
	Efficiency        float64 `json:"efficiency"`
	WastedBytes       int64   `json:"wasted_bytes"`
	UserWastedPercent float64 `json:"user_wasted_percent"` // a fraction, as in .dive-ci
}

// WastePath is a path with bytes that are stored for nothing.
type WastePath struct {
	Path        string `json:"path"`
	Versions    int    `json:"versions"`
	Reclaimable int64  `json:"reclaimable"`
	Stored      int64  `json:"stored"` // of all versions
	Removed     bool   `json:"removed"`
}
