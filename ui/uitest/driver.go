// Package uitest drives the real terminal in-process: the program reads keys
// from a pipe and writes into a terminal emulator, and a test presses keys,
// waits for the screen to hold still and reads it. It never sleeps for a
// guessed time: it waits for what should appear.
package uitest

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/ui"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"golang.org/x/sync/errgroup"
)

const (
	patience = 10 * time.Second       // until a test gives up waiting
	quiet    = 120 * time.Millisecond // several frames without output: it has settled
)

// Config says what to drive.
type Config struct {
	Width, Height int
	Backend       ui.Backend
	Options       ui.Options
	NoColor       bool
}

// Driver is a running terminal.
type Driver struct {
	t       testing.TB
	program *tea.Program
	keys    *os.File
	group   errgroup.Group

	mu       sync.Mutex
	emulator *vt.Emulator
	raw      bytes.Buffer
	wrote    chan struct{}
}

// Start starts the terminal and stops it with the test.
func Start(t testing.TB, cfg Config) *Driver {
	t.Helper()
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	d := &Driver{t: t, keys: keys, emulator: vt.NewEmulator(cfg.Width, cfg.Height), wrote: make(chan struct{}, 1)}
	profile := colorprofile.ANSI256
	if cfg.NoColor {
		profile, cfg.Options.NoColor = colorprofile.ASCII, true
	}
	if cfg.Options.Environ == nil {
		cfg.Options.Environ = []string{"TERM=xterm-256color", "LANG=en_US.UTF-8"}
	}
	if cfg.Options.Now == nil {
		cfg.Options.Now = func() time.Time { return Now }
	}
	if cfg.Options.KeyFile == "" {
		cfg.Options.KeyFile = t.TempDir() + "/keys.json"
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.program = ui.New(ctx, cfg.Backend, cfg.Options, d,
		tea.WithInput(in), tea.WithWindowSize(cfg.Width, cfg.Height),
		tea.WithColorProfile(profile), tea.WithEnvironment(cfg.Options.Environ), tea.WithoutSignalHandler())
	d.group.Go(func() error { _, err := d.program.Run(); return err })
	d.group.Go(func() error { d.drain(); return nil })
	t.Cleanup(func() {
		cancel() // ends an attached process, which the program waits for
		d.program.Quit()
		d.program.Wait()
		_ = keys.Close()
		if pipe, ok := d.emulator.InputPipe().(io.Closer); ok {
			_ = pipe.Close() // ends drain
		}
		_ = d.group.Wait()
	})
	return d
}

// drain reads the emulator's answers to queries, which would otherwise block
// its writer.
func (d *Driver) drain() {
	buf := make([]byte, 1024)
	for {
		if _, err := d.emulator.Read(buf); err != nil {
			return
		}
	}
}

// Write is the program's output.
func (d *Driver) Write(p []byte) (int, error) {
	d.mu.Lock()
	d.raw.Write(p)
	// The program believes that a terminal's driver maps line feeds.
	_, err := d.emulator.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	d.mu.Unlock()
	select {
	case d.wrote <- struct{}{}:
	default:
	}
	return len(p), err
}

// named keys, as a terminal sends them; escape in the form that needs no
// waiting for what may follow it.
var named = map[string]string{
	"enter": "\r", "esc": "\x1b[27u", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "delete": "\x1b[3~",
}

// Press presses keys by name: a, P, enter, ctrl+s.
func (d *Driver) Press(keys ...string) *Driver {
	d.t.Helper()
	for _, k := range keys {
		s, ok := named[k]
		if letter, ctrl := strings.CutPrefix(k, "ctrl+"); ctrl {
			s = string(rune(letter[0] & 0x1f))
		} else if !ok {
			s = k
		}
		d.Type(s)
	}
	return d
}

// Type sends text as it is.
func (d *Driver) Type(text string) *Driver {
	d.t.Helper()
	if _, err := d.keys.WriteString(text); err != nil {
		d.t.Fatal(err)
	}
	return d
}

// Resize tells the program and the emulator of a new size.
func (d *Driver) Resize(width, height int) *Driver {
	d.mu.Lock()
	d.emulator.Resize(width, height)
	d.mu.Unlock()
	d.program.Send(tea.WindowSizeMsg{Width: width, Height: height})
	return d
}

// Send gives the program a message.
func (d *Driver) Send(msg tea.Msg) *Driver {
	d.program.Send(msg)
	return d
}

// WaitFor waits until the screen shows text.
func (d *Driver) WaitFor(text string) *Driver {
	d.t.Helper()
	return d.wait("show "+text, func(screen string) bool { return strings.Contains(screen, text) })
}

// WaitGone waits until the screen no longer shows text.
func (d *Driver) WaitGone(text string) *Driver {
	d.t.Helper()
	return d.wait("stop showing "+text, func(screen string) bool { return !strings.Contains(screen, text) })
}

func (d *Driver) wait(what string, ok func(string) bool) *Driver {
	d.t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	for !ok(d.Screen()) {
		select {
		case <-d.wrote:
		case <-end.C:
			d.t.Fatalf("the screen does not %s:\n%s\nlast written: %.300q", what, d.Screen(), tail(d.Raw(), 300))
		}
	}
	return d
}

// Settle waits until the program has written nothing for several frames.
func (d *Driver) Settle() *Driver {
	d.t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	still := time.NewTimer(quiet)
	defer still.Stop()
	for {
		select {
		case <-d.wrote:
			still.Reset(quiet)
		case <-still.C:
			return d
		case <-end.C:
			d.t.Fatal("the screen does not hold still")
		}
	}
}

// Lines are the screen's lines without styles and without spaces at the end.
func (d *Driver) Lines() []string {
	lines := strings.Split(ansi.Strip(d.Styled()), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \r")
	}
	return lines
}

// Screen is all lines as one text.
func (d *Driver) Screen() string { return strings.Join(d.Lines(), "\n") + "\n" }

// Styled is the screen with its styles as escape sequences.
func (d *Driver) Styled() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.emulator.Render()
}

// Raw is everything the program has written.
func (d *Driver) Raw() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.raw.Bytes())
}

// Bytes counts what the program writes while f runs and the screen settles.
func (d *Driver) Bytes(f func()) int {
	d.t.Helper()
	before := len(d.Raw())
	f()
	d.Settle()
	return len(d.Raw()) - before
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
