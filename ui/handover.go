package ui

import (
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// frames is the terminal as Bubble Tea draws on it. It tells when something
// was drawn.
type frames struct {
	out   io.Writer
	drawn chan struct{} // holds a token when anything was written
}

// Write passes a frame on.
func (f *frames) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	select {
	case f.drawn <- struct{}{}:
	default:
	}
	return n, err
}

// Unwrap is what is drawn on.
func (f *frames) Unwrap() io.Writer { return f.out }

// terminalFrames adds what Bubble Tea recognizes a terminal by.
type terminalFrames struct {
	*frames
	file *os.File
}

// Read, Close and Fd are the file's.
func (t terminalFrames) Read(p []byte) (int, error) { return t.file.Read(p) }

// Close closes the file; Bubble Tea never does.
func (t terminalFrames) Close() error { return t.file.Close() }

// Fd is for asking for the size and for the terminal's modes.
func (t terminalFrames) Fd() uintptr { return t.file.Fd() }

// unwrap returns what a process that is given the terminal writes to: the
// terminal itself, because its output is not a frame.
func unwrap(w io.Writer) io.Writer {
	if f, ok := w.(interface{ Unwrap() io.Writer }); ok {
		return f.Unwrap()
	}
	return w
}

// output makes what a program draws on of out.
func (r *root) output(out io.Writer) io.Writer {
	r.frames = &frames{out: out, drawn: make(chan struct{}, 1)}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return terminalFrames{r.frames, file}
	}
	return r.frames
}

type (
	// takenBackMsg says that the terminal is ours again.
	takenBackMsg struct {
		then tea.Msg
		wait time.Duration // for a frame
	}
	// frozenMsg says that it is, but that in this time nothing was drawn on it.
	frozenMsg struct{ waited time.Duration }
)

// handOver gives the terminal to c and takes it back; then has the message for
// how it went.
func handOver(c tea.ExecCommand, then func(error) tea.Msg) tea.Cmd {
	return tea.Exec(c, func(err error) tea.Msg { return takenBackMsg{then(err), frozen} })
}

// frozen is after how long without a frame the renderer is taken for stopped:
// a few frames.
const frozen = 5 * time.Second / FPS

// thaw starts the renderer anew, and then waits longer than before: perhaps it
// is only slow.
func thaw(msg frozenMsg) tea.Cmd {
	return tea.Exec(nothing{}, func(error) tea.Msg { return takenBackMsg{wait: 2 * msg.waited} })
}

// seeDrawn sees to it that the screen is drawn again. Bubble Tea does not wait
// for its renderer to stop before a command runs: after a short one the old
// renderer's last act, to stop the clock they share, can come after the new one
// has started it, and nothing is drawn ever again (its issue 1778). Handing the
// terminal over once more starts the clock anew.
func (r *root) seeDrawn(wait time.Duration) tea.Cmd {
	select {
	case <-r.frames.drawn:
	default:
	}
	drawn, ctx := r.frames.drawn, r.env.Ctx
	// A cleared screen makes a frame certain; the wait starts once it is cleared.
	return tea.Sequence(tea.ClearScreen, func() tea.Msg {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-drawn:
			return nil
		case <-ctx.Done():
			return nil
		case <-t.C:
			return frozenMsg{wait}
		}
	})
}

// nothing is a command that gives the terminal back at once.
type nothing struct{}

func (nothing) Run() error          { return nil }
func (nothing) SetStdin(io.Reader)  {}
func (nothing) SetStdout(io.Writer) {}
func (nothing) SetStderr(io.Writer) {}
