// Package screens holds what fills the terminal: the lists of images and
// containers, details, logs, and the dialogs over them. A screen decides; work
// is a command that answers with a message named for a fact. Screens never
// meet: they ask the root for one another by message.
package screens

import (
	"context"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Screen is one full view. Its View is exactly as large as SetSize said.
type Screen interface {
	Title() string
	Scope() keymap.Scope
	Init() tea.Cmd
	// Update hears every message that is not a key, late ones included.
	Update(tea.Msg) tea.Cmd
	// Do carries out an action of the keymap that is not the root's.
	Do(keymap.Action) tea.Cmd
	// Why says why an action cannot be done now; "" when it can.
	Why(keymap.Action) string
	View() string
	SetSize(width, height int)
	// Summary is a remark for the title line, Status one for the bottom rule.
	Summary() string
	Status() string
	// Prompt is the line being typed at the bottom, if there is one.
	Prompt() *Prompt
	// Close ends what the screen started.
	Close()
}

// Prompt is a one-line question at the bottom of a screen.
type Prompt struct {
	Label  string
	Input  *widget.Input
	Live   bool           // Typed is called after every change
	Next   func() tea.Cmd // what the key for the next field does, if anything
	Typed  func(value string) tea.Cmd
	Accept func(value string) tea.Cmd
	Cancel func() tea.Cmd
}

// Env is what every screen is given.
type Env struct {
	Ctx   context.Context // lives as long as the program
	Theme *theme.Theme
	Keys  *keymap.Map
	Now   func() time.Time // called in commands only

	Images     ImageStore
	Pruner     ImagePruner // nil: not offered
	Lister     ContainerLister
	Containers ContainerControl
	Creator    ContainerCreator
	Sessions   SessionLister
	OpenLog    func(ctx context.Context, ref string) (LogSource, error)
	// OpenLayers opens an image for inspection, CompareLayers two of them.
	OpenLayers    func(ctx context.Context, source string) (LayerSource, error)
	CompareLayers func(ctx context.Context, a, b string) (LayerDiff, error)
	// LayerShell opens a shell on the file system as a layer left it; nil when
	// there is no such thing.
	LayerShell func(LayerShellRequest) tea.Cmd
	// Ask puts a dialog, Open a screen on top; Go goes to a top-level screen.
	// They act at once, so that the next key already finds what they show, and
	// may be called from Update and Do only.
	Ask  func(Dialog) tea.Cmd
	Open func(Screen) tea.Cmd
	Go   func(GoMsg) tea.Cmd
	// Attach hands the terminal to a process until it ends or is left.
	Attach func(AttachRequest) tea.Cmd
}

// ImageStore is what the images screens need.
type ImageStore interface {
	Images(ctx context.Context) ([]engine.Image, error)
	History(ctx context.Context, ref string) ([]engine.HistoryEntry, error)
	RemoveImage(ctx context.Context, ref string, force bool) (engine.RemoveResult, error)
	Pull(ctx context.Context, ref string, o engine.PullOptions, sink engine.Sink) (engine.Image, error)
}

// ContainerLister reads containers.
type ContainerLister interface {
	Containers(ctx context.Context) ([]engine.Container, error)
	Container(ctx context.Context, ref string) (engine.Container, error)
}

// ContainerControl moves containers through their lives.
type ContainerControl interface {
	Start(ctx context.Context, ref string) error
	Stop(ctx context.Context, ref string, o engine.StopOptions) error
	Restart(ctx context.Context, ref string, o engine.StopOptions) error
	Kill(ctx context.Context, ref, signal string) error
	Pause(ctx context.Context, ref string) error
	Unpause(ctx context.Context, ref string) error
	Remove(ctx context.Context, ref string, o engine.RemoveOptions) error
}

// ContainerCreator makes containers.
type ContainerCreator interface {
	Create(ctx context.Context, spec engine.RunSpec, sink engine.Sink) (engine.Container, error)
}

// SessionLister says what can be re-entered.
type SessionLister interface {
	Sessions(ctx context.Context, ref string) ([]engine.SessionInfo, error)
}

// LogSource reads one container's log by position.
type LogSource interface {
	Tail(n int) ([]engine.LogLine, error)
	Before(p engine.LogPos, n int) ([]engine.LogLine, error)
	After(p engine.LogPos, n int) ([]engine.LogLine, error)
	Search(ctx context.Context, p engine.LogPos, back bool, match func([]byte) bool) (engine.LogLine, bool, error)
	Wait(ctx context.Context, p engine.LogPos) (ended bool, err error)
	Close() error
}

// LayerSource is an open image as its inspector sees it.
type LayerSource interface {
	Layers() []engine.LayerInfo
	Stats() engine.LayerStats
	Path(path string) []engine.PathVersion
	// View builds a tree; like is an earlier one whose open directories stay
	// open, or nil.
	View(from, to int, o engine.LayerViewOptions, like LayerTree) (LayerTree, error)
	LayerFiles
}

// LayerFiles reads what is in an open image.
type LayerFiles interface {
	Open(ctx context.Context, layer int, path string) (*engine.FileContent, error)
	Grep(ctx context.Context, o engine.GrepOptions, found func(engine.GrepHit) bool) error
	Extract(ctx context.Context, layer int, path, dst string) error
	ExtractLayer(ctx context.Context, layer int, dst string) error
	Close() error
}

// LayerTree is a tree of paths to scroll in.
type LayerTree interface {
	Len() int
	Rows(first, n int) []engine.LayerRow
	Toggle(path string) bool
	Reveal(path string) int
	OpenAll()
	CloseAll()
	Totals() engine.LayerTotals
}

// LayerDiff is two open images compared.
type LayerDiff interface {
	Images() (a, b LayerSource)
	View(o engine.LayerViewOptions, like LayerTree) (LayerTree, error)
	Close() error
}

// LayerShellRequest says where to open a shell.
type LayerShellRequest struct {
	Image string
	Layer int
}

// AttachRequest says which process gets the terminal.
type AttachRequest struct {
	ID, Name string   // of the container
	Session  string   // exec session to re-enter; "": the main process
	Start    bool     // start the container attached
	Shells   []string // start the first of these that exists
}

// Facts and wishes the root acts on.
type (
	// PullMsg asks for an image to be pulled.
	PullMsg struct{ Ref string }
	// StopPullMsg asks for a pull to end, or its failure to be forgotten.
	StopPullMsg struct{ ID int }
	// GoMsg says which top-level screen was gone to, and what to show there.
	GoMsg struct {
		To     keymap.Action
		Filter string
		Select string
	}
	// ToastMsg tells something in passing.
	ToastMsg struct {
		Role theme.Role
		Text string
	}
	// ChangedMsg says that kinds of objects changed.
	ChangedMsg struct{ Kinds map[string]bool }
	// ClockMsg says what time it is, about once a minute.
	ClockMsg struct{ Now time.Time }
	// PullsMsg says how all pulls stand.
	PullsMsg struct{ Pulls []Pull }
	// AttachEndedMsg says how an attached process was left.
	AttachEndedMsg struct {
		Name   string
		Result engine.Result
		Err    error
	}
)

// Pull is one pull as it stands.
type Pull struct {
	ID    int
	Ref   string
	Steps []engine.Step
	Err   error // it failed
}

func say(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// Toast tells text in passing.
func Toast(role theme.Role, text string) tea.Cmd { return say(ToastMsg{role, text}) }

// slowMsg says that work has taken long enough to be mentioned.
type slowMsg struct{ of Screen }

// slowAfter is how long work may take before it is mentioned.
const slowAfter = 100 * time.Millisecond

func mentionSlow(s Screen) tea.Cmd {
	return tea.Tick(slowAfter, func(time.Time) tea.Msg { return slowMsg{s} })
}
