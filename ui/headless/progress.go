package headless

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"

	"gantry/engine"
)

// progress shows what a long operation is doing on standard error, as Docker
// does: in place on a terminal, else one plain line for each change. It is an
// engine.Sink: work never waits for the screen.
type progress struct {
	*engine.Latest
	lead string // written once, before the first step

	w      io.Writer
	tty    bool
	width  int
	stop   chan struct{}
	waiter sync.WaitGroup
	shown  map[string]string // what was last written of a step
	lines  int               // how many lines are in place
	logged int
}

// frame is the least time between two repaints.
const frame = 100 * time.Millisecond

func (a *app) progress(quiet bool) *progress {
	p := &progress{Latest: engine.NewLatest(), w: a.Err, tty: a.errTTY, width: 80,
		stop: make(chan struct{}), shown: map[string]string{}}
	if cols, _ := a.size(); cols > 0 {
		p.width = int(cols)
	}
	if quiet {
		p.w = io.Discard
	}
	p.waiter.Go(p.loop)
	return p
}

func (p *progress) loop() {
	for {
		select {
		case <-p.stop:
			return
		case <-p.Changed:
		}
		p.paint()
		select {
		case <-p.stop:
			return
		case <-time.After(frame):
		}
	}
}

// finish writes the last state and waits for the painting to end. It may be
// called twice.
func (p *progress) finish() {
	select {
	case <-p.stop:
		return
	default:
	}
	close(p.stop)
	p.waiter.Wait()
	p.paint()
}

func (p *progress) paint() {
	steps, logs := p.Snapshot()
	if len(steps)+len(logs) == 0 {
		return
	}
	var b bytes.Buffer
	if p.lead != "" {
		b.WriteString(engine.Printable(p.lead) + "\n")
		p.lead = ""
	}
	if p.tty {
		p.inPlace(&b, steps)
	} else {
		p.plain(&b, steps)
	}
	for _, log := range logs[min(p.logged, len(logs)):] {
		if !p.tty {
			b.WriteString(engine.Printable(log.Line) + "\n")
		}
	}
	p.logged = len(logs)
	_, _ = p.w.Write(b.Bytes()) // a reader that is gone does not stop the work
}

// plain writes a line for every step whose action is new.
func (p *progress) plain(b *bytes.Buffer, steps []engine.Step) {
	for _, s := range steps {
		if s.Action == "" || p.shown[s.ID] == s.Action {
			continue
		}
		p.shown[s.ID] = s.Action
		b.WriteString(engine.Printable(subject(s)+s.Action) + "\n")
	}
}

// inPlace goes back over the lines it wrote and writes them anew.
func (p *progress) inPlace(b *bytes.Buffer, steps []engine.Step) {
	if p.lines > 0 {
		fmt.Fprintf(b, "\x1b[%dA", p.lines)
	}
	for _, s := range steps {
		line := engine.Printable(subject(s) + s.Action + bar(s, p.width))
		b.WriteString("\x1b[2K\r" + cut(line, p.width-1) + "\n")
	}
	p.lines = len(steps)
}

func subject(s engine.Step) string {
	switch {
	case s.Name != "":
		return s.Name + ": "
	case s.ID != "":
		return s.ID + ": "
	}
	return ""
}

// bar is what of a step is done, drawn when there is room for it.
func bar(s engine.Step, width int) string {
	detail := ""
	if s.Detail != "" {
		detail = " " + s.Detail
	}
	if s.State != "active" || s.Current == 0 && s.Total == 0 {
		return detail
	}
	done := units.HumanSizeWithPrecision(float64(s.Current), 4)
	if s.Total <= 0 {
		return " " + done + detail
	}
	numbers := done + "/" + units.HumanSizeWithPrecision(float64(s.Total), 4)
	if width < 100 {
		return " " + numbers + detail
	}
	const cells = 50
	full := int(min(s.Current, s.Total) * cells / s.Total)
	return " [" + strings.Repeat("=", full) + ">" + strings.Repeat(" ", cells-full) + "] " + numbers + detail
}

// cut keeps a line from wrapping, which would break going back over it.
func cut(line string, width int) string {
	letters := []rune(line)
	if len(letters) > width {
		return string(letters[:max(width, 0)])
	}
	return line
}
