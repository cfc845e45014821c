package screens

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"gantry/engine"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

const (
	logChunk = 500                   // lines fetched at once
	logPace  = 50 * time.Millisecond // at most 20 growths a second reach the screen
	logFlood = 1000                  // lines in one growth beyond which only the newest are shown
)

// Answers of the commands that read a log. Each says which screen asked.
type (
	logOpenedMsg struct {
		of     *Logs
		source LogSource
		lines  []widget.LogLine
		err    error
	}
	logTailMsg struct {
		of    *Logs
		lines []widget.LogLine
		err   error
	}
	logGrewMsg struct {
		of      *Logs
		from    engine.LogPos
		lines   []widget.LogLine
		skipped bool // there were more; these are the newest
		ended   bool
		err     error
	}
	logFetchedMsg struct {
		of      *Logs
		at      engine.LogPos
		before  bool
		replace bool
		cursor  int
		lines   []widget.LogLine
		err     error
	}
	logFoundMsg struct {
		of    *Logs
		text  string
		found bool
		line  engine.LogLine
		lines []widget.LogLine // around it
		at    int              // its place in lines
		err   error
	}
	logSavedMsg struct {
		of    *Logs
		path  string
		bytes int64
		err   error
	}
)

func cleanLines(raw []engine.LogLine) []widget.LogLine {
	out := make([]widget.LogLine, len(raw))
	for i, l := range raw {
		out[i] = widget.CleanLine(l)
	}
	return out
}

// open opens the log; it is closed when ctx ends.
func (s *Logs) open(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		source, err := s.env.OpenLog(ctx, s.id)
		if err != nil {
			return logOpenedMsg{of: s, err: err}
		}
		context.AfterFunc(ctx, func() { _ = source.Close() })
		lines, err := source.Tail(logChunk)
		return logOpenedMsg{s, source, cleanLines(lines), err}
	}
}

func (s *Logs) tail() tea.Cmd {
	source := s.source
	return func() tea.Msg {
		lines, err := source.Tail(logChunk)
		return logTailMsg{s, cleanLines(lines), err}
	}
}

// grow waits until the log is longer than from and reads what came, at most
// twenty times a second. A flood is not read to its end: its newest lines are.
func (s *Logs) grow(ctx context.Context, source LogSource, from engine.LogPos) tea.Cmd {
	return func() tea.Msg {
		ended, err := source.Wait(ctx, from)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return logGrewMsg{of: s, err: err}
		}
		if !ended {
			pause(ctx, logPace)
		}
		lines, err := source.After(from, logFlood)
		msg := logGrewMsg{of: s, from: from, ended: ended && len(lines) < logFlood, err: err}
		if len(lines) == logFlood {
			msg.skipped = true
			lines, msg.err = source.Tail(logChunk)
		}
		msg.lines = cleanLines(lines)
		return msg
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// fetch reads what lies before or after the window.
func (s *Logs) fetch(at engine.LogPos, before bool) tea.Cmd {
	source := s.source
	return func() tea.Msg {
		read := source.After
		if before {
			read = source.Before
		}
		lines, err := read(at, logChunk)
		return logFetchedMsg{of: s, at: at, before: before, lines: cleanLines(lines), err: err}
	}
}

// start reads the beginning of the log.
func (s *Logs) start() tea.Cmd {
	source := s.source
	return func() tea.Msg {
		lines, err := source.After(engine.LogPos{}, logChunk)
		return logFetchedMsg{of: s, at: engine.LogPos{Segment: ^uint64(0)}, replace: true, lines: cleanLines(lines), err: err}
	}
}

// find searches from p and reads the lines around what it finds.
func (s *Logs) find(p engine.LogPos, back bool, text string) tea.Cmd {
	source, ctx := s.source, s.env.Ctx
	want := bytes.ToLower([]byte(text))
	return func() tea.Msg {
		match := func(line []byte) bool { return bytes.Contains(bytes.ToLower(line), want) }
		msg := logFoundMsg{of: s, text: text}
		msg.line, msg.found, msg.err = source.Search(ctx, p, back, match)
		if msg.err != nil || !msg.found {
			return msg
		}
		before, err1 := source.Before(msg.line.Pos, logChunk/2)
		after, err2 := source.After(msg.line.Pos, logChunk/2)
		msg.err = errors.Join(err1, err2)
		msg.lines, msg.at = cleanLines(append(before, after...)), len(before)
		return msg
	}
}

// save writes the whole log, as the container wrote it, to a new file.
func (s *Logs) save(path string) tea.Cmd {
	source := s.source
	return func() tea.Msg {
		msg := logSavedMsg{of: s, path: path}
		f, err := os.OpenFile(homePath(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			msg.err = err
			return msg
		}
		msg.bytes, err = copyLog(f, source)
		msg.err = errors.Join(err, f.Close())
		return msg
	}
}

// homePath puts the home directory in the place of a ~ in front.
func homePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return home + "/" + rest
		}
	}
	return path
}

func copyLog(f *os.File, source LogSource) (n int64, err error) {
	w := bufio.NewWriterSize(f, 64<<10)
	for p := (engine.LogPos{}); ; {
		lines, err := source.After(p, logChunk)
		if err != nil {
			return n, err
		}
		for _, l := range lines {
			n += int64(len(l.Text)) + 1
			if _, err := w.Write(append(l.Text, '\n')); err != nil {
				return n, err
			}
		}
		if len(lines) < logChunk {
			return n, w.Flush()
		}
		p = lines[len(lines)-1].Next
	}
}
