// Package ui is the full-screen terminal: the one Bubble Tea model, the stack
// of screens it shows, the jobs it runs and the handing over of the terminal to
// a container. It sees the engine and nothing below it. Leaving it, or losing
// the terminal, never touches a container.
package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

// ErrDumb is returned when the terminal cannot show a full-screen program.
var ErrDumb = errors.New("this terminal cannot move its cursor (TERM=dumb): use gantry --cmd, or a command such as gantry ps")

// Options say how the terminal behaves. The zero value is usable.
type Options struct {
	// Execute runs a command line of the headless grammar, for the palette.
	Execute func(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) int
	// Commands are listed in the palette.
	Commands []screens.Command
	// Screen is what to show first: "images" (also "") or "containers".
	Screen  string
	NoColor bool
	// DetachKey leaves an attached process; 0 is ctrl-].
	DetachKey byte
	// Environ is the environment that describes the terminal; nil: the
	// process's own.
	Environ []string
	// KeyFile replaces keymap.Path.
	KeyFile string
	// Now replaces the clock.
	Now func() time.Time
}

// FPS caps how often the screen is drawn.
const FPS = 30

// Run shows the terminal until the user leaves, ctx is done or the terminal
// hangs up.
func Run(ctx context.Context, eng *engine.Engine, opts Options) error {
	if opts.Environ == nil {
		opts.Environ = os.Environ()
	}
	terminal := theme.Detect(opts.Environ)
	if terminal.Dumb {
		return ErrDumb
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	_, err := New(ctx, FromEngine(eng), opts, os.Stdout,
		tea.WithContext(ctx), tea.WithEnvironment(terminal.Environ)).Run()
	if ctx.Err() != nil {
		return nil // hung up or told to end: not this program's failure
	}
	return err
}

// New returns the program over a backend that draws on out. Everything it
// starts ends with ctx.
func New(ctx context.Context, b Backend, opts Options, out io.Writer, how ...tea.ProgramOption) *tea.Program {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.DetachKey == 0 {
		opts.DetachKey = 0x1d
	}
	if opts.KeyFile == "" {
		opts.KeyFile = keymap.Path()
	}
	terminal := theme.Detect(opts.Environ)
	keys, err := keymap.Load(opts.KeyFile)
	r := &root{opts: opts, backend: b, keyErr: err}
	r.env = &screens.Env{
		Ctx:        ctx,
		Theme:      theme.New(terminal.Colour && !opts.NoColor, theme.GlyphsFor(opts.Environ)),
		Keys:       keys,
		Now:        opts.Now,
		Images:     b.Images,
		Pruner:     b.Pruner,
		Lister:     b.Lister,
		Containers: b.Containers,
		Creator:    b.Creator,
		Sessions:   b.Sessions,
		OpenLog:    b.OpenLog,

		OpenLayers:    b.OpenLayers,
		CompareLayers: b.CompareLayers,

		Ask:    r.ask,
		Open:   r.open,
		Go:     r.visit,
		Attach: r.attach,
	}
	r.images = screens.NewImages(r.env)
	r.containers = screens.NewContainers(r.env)
	r.stack = []screens.Screen{r.images}
	if opts.Screen == "containers" {
		r.stack[0] = r.containers
	}
	return tea.NewProgram(r, append(how, tea.WithOutput(r.output(out)), tea.WithFPS(FPS))...)
}
