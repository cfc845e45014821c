package uitest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gantry/engine"
	"gantry/ui"
	"gantry/ui/screens"
)

// Now is what time it is in tests.
var Now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// Fake is an engine that keeps everything in memory. Its fields may be changed
// through Change while the terminal runs.
type Fake struct {
	mu         sync.Mutex
	images     []engine.Image
	containers []engine.Container
	history    []engine.HistoryEntry
	sessions   []engine.SessionInfo
	log        []engine.LogLine
	logGrew    chan struct{}
	changes    chan engine.Change
	calls      []string

	// PullFunc and Sessions opened by the terminal; nil means an error.
	PullFunc func(ctx context.Context, ref string, sink engine.Sink) (engine.Image, error)
	OpenFunc func(kind string, spec engine.ExecSpec) (ui.Session, error)
	// LayersFunc and CompareFunc open images for inspection.
	LayersFunc  func(ctx context.Context, source string) (screens.LayerSource, error)
	CompareFunc func(ctx context.Context, a, b string) (screens.LayerDiff, error)
}

// NewFake returns a fake that holds these.
func NewFake(images []engine.Image, containers []engine.Container) *Fake {
	return &Fake{images: images, containers: containers, changes: make(chan engine.Change, 64), logGrew: make(chan struct{})}
}

// Backend is the fake as the terminal sees it.
func (f *Fake) Backend() ui.Backend {
	return ui.Backend{
		Images: f, Pruner: f, Lister: f, Containers: f, Creator: f, Sessions: f, Processes: f,
		OpenLog: func(context.Context, string) (screens.LogSource, error) { return fakeLog{f}, nil },
		Watch:   func(context.Context) (<-chan engine.Change, error) { return f.changes, nil },

		OpenLayers: f.LayersFunc, CompareLayers: f.CompareFunc,
	}
}

// Change changes what the fake holds and reports it as a change of kind.
func (f *Fake) Change(kind string, change func(f *Fake)) {
	f.mu.Lock()
	change(f)
	f.mu.Unlock()
	f.changes <- engine.Change{Kind: kind}
}

// SetHistory, SetSessions and EachContainer are for use before the start or
// within Change.
func (f *Fake) SetHistory(h []engine.HistoryEntry) { f.history = h }

// SetSessions says what can be re-entered.
func (f *Fake) SetSessions(s []engine.SessionInfo) { f.sessions = s }

// AddImage puts an image first.
func (f *Fake) AddImage(i engine.Image) { f.images = slices.Insert(f.images, 0, i) }

// EachContainer changes every container.
func (f *Fake) EachContainer(change func(i int, c *engine.Container)) {
	f.containers = slices.Clone(f.containers)
	for i := range f.containers {
		change(i, &f.containers[i])
	}
}

// Calls are the changes asked for so far.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *Fake) called(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

// Images lists the images.
func (f *Fake) Images(context.Context) ([]engine.Image, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.images), nil
}

// History is the same for every image, but for whose layers it names.
func (f *Fake) History(_ context.Context, ref string) ([]engine.HistoryEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	history := slices.Clone(f.history)
	for _, i := range f.images {
		if !slices.Contains(i.Names, ref) && i.ID.String() != ref {
			continue
		}
		next := 0
		for j := range slices.Backward(history) {
			if !history[j].Empty && next < len(i.Layers) {
				history[j].DiffID = i.Layers[next]
				next++
			}
		}
	}
	return history, nil
}

// RemoveImage takes images with that name away.
func (f *Fake) RemoveImage(_ context.Context, ref string, _ bool) (engine.RemoveResult, error) {
	f.called("rmi %s", ref)
	f.Change("images", func(f *Fake) {
		f.images = slices.DeleteFunc(slices.Clone(f.images), func(i engine.Image) bool {
			return slices.Contains(i.Names, ref) || i.ID.String() == ref
		})
	})
	return engine.RemoveResult{}, nil
}

// PruneImages takes away the images without a name, or those no container uses.
func (f *Fake) PruneImages(_ context.Context, o engine.PruneOptions) (engine.PruneResult, error) {
	f.called("prune all=%v dry=%v", o.All, o.DryRun)
	var r engine.PruneResult
	prune := func(f *Fake) {
		var kept []engine.Image
		for _, i := range f.images {
			used := slices.ContainsFunc(f.containers, func(c engine.Container) bool { return c.ImageID == i.ID })
			if used || len(i.Names) > 0 && !o.All {
				kept = append(kept, i)
				continue
			}
			r.Untagged = append(r.Untagged, i.Names...)
			r.Deleted = append(r.Deleted, i.ID.String())
			r.Bytes += i.Size
		}
		if !o.DryRun {
			f.images = kept
		}
	}
	f.Change("images", prune)
	return r, nil
}

// Pull calls PullFunc.
func (f *Fake) Pull(ctx context.Context, ref string, _ engine.PullOptions, sink engine.Sink) (engine.Image, error) {
	f.called("pull %s", ref)
	if f.PullFunc == nil {
		return engine.Image{}, fmt.Errorf("manifest unknown: %s", ref)
	}
	return f.PullFunc(ctx, ref, sink)
}

// Containers lists the containers.
func (f *Fake) Containers(context.Context) ([]engine.Container, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.containers), nil
}

// Container finds one by ID.
func (f *Fake) Container(_ context.Context, ref string) (engine.Container, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.containers {
		if c.ID == ref {
			return c, nil
		}
	}
	return engine.Container{}, engine.ErrNotFound
}

func (f *Fake) set(ref string, status engine.Status) error {
	f.Change("containers", func(f *Fake) {
		f.EachContainer(func(_ int, c *engine.Container) {
			if c.ID == ref {
				c.State.Status, c.State.StartedAt = status, Now
				c.State.FinishedAt, c.State.Stopped = Now, true
			}
		})
	})
	return nil
}

// Start sets a container running; the others set what they are named for.
func (f *Fake) Start(_ context.Context, ref string) error {
	f.called("start %s", ref)
	return f.set(ref, engine.Running)
}

// Stop stops a container.
func (f *Fake) Stop(_ context.Context, ref string, _ engine.StopOptions) error {
	f.called("stop %s", ref)
	return f.set(ref, engine.Exited)
}

// Restart restarts a container.
func (f *Fake) Restart(_ context.Context, ref string, _ engine.StopOptions) error {
	f.called("restart %s", ref)
	return f.set(ref, engine.Running)
}

// Kill kills a container.
func (f *Fake) Kill(_ context.Context, ref, _ string) error {
	f.called("kill %s", ref)
	return f.set(ref, engine.Exited)
}

// Pause pauses a container.
func (f *Fake) Pause(_ context.Context, ref string) error {
	f.called("pause %s", ref)
	return f.set(ref, engine.Paused)
}

// Unpause thaws a container.
func (f *Fake) Unpause(_ context.Context, ref string) error {
	f.called("unpause %s", ref)
	return f.set(ref, engine.Running)
}

// Remove deletes a container.
func (f *Fake) Remove(_ context.Context, ref string, _ engine.RemoveOptions) error {
	f.called("rm %s", ref)
	f.Change("containers", func(f *Fake) {
		f.containers = slices.DeleteFunc(slices.Clone(f.containers), func(c engine.Container) bool { return c.ID == ref })
	})
	return nil
}

// Create makes a container.
func (f *Fake) Create(_ context.Context, spec engine.RunSpec, _ engine.Sink) (engine.Container, error) {
	f.called("create %s %q name=%s tty=%v rm=%v net=%s ports=%v mounts=%v env=%q", spec.Image, spec.Args, spec.Name, spec.Tty,
		spec.AutoRemove, spec.Network, spec.Ports, spec.Mounts, spec.Env)
	c := Container(99, spec.Name, spec.Image, engine.Created)
	f.Change("containers", func(f *Fake) { f.containers = slices.Insert(slices.Clone(f.containers), 0, c) })
	return c, nil
}

// Sessions lists what SetSessions said.
func (f *Fake) Sessions(context.Context, string) ([]engine.SessionInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sessions), nil
}

func (f *Fake) openSession(kind string, spec engine.ExecSpec) (ui.Session, error) {
	if f.OpenFunc == nil {
		return nil, engine.ErrNotFound
	}
	return f.OpenFunc(kind, spec)
}

// Attach opens a session.
func (f *Fake) Attach(_ context.Context, ref string, o engine.AttachOptions) (ui.Session, error) {
	f.called("attach %s %q", ref, o.Session)
	return f.openSession("attach", engine.ExecSpec{})
}

// StartAttached opens a session.
func (f *Fake) StartAttached(_ context.Context, ref string, _ engine.AttachOptions) (ui.Session, error) {
	f.called("start-attached %s", ref)
	return f.openSession("start", engine.ExecSpec{})
}

// Exec opens a session.
func (f *Fake) Exec(_ context.Context, ref string, spec engine.ExecSpec) (ui.Session, error) {
	f.called("exec %s %q", ref, spec.Args)
	return f.openSession("exec", spec)
}

// WriteLog adds lines to the one log there is.
func (f *Fake) WriteLog(lines ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, text := range lines {
		n := int64(len(f.log))
		stream := engine.LogLine{}.Stream
		if rest, ok := bytes.CutPrefix([]byte(text), []byte("E ")); ok {
			text, stream = string(rest), engine.LogStderr
		}
		f.log = append(f.log, engine.LogLine{
			Pos: engine.LogPos{Offset: n}, Next: engine.LogPos{Offset: n + 1}, Stream: stream,
			Time: Now.Add(time.Duration(n) * 10 * time.Millisecond), Text: []byte(text),
		})
	}
	close(f.logGrew)
	f.logGrew = make(chan struct{})
}

// fakeLog reads a fake's log.
type fakeLog struct{ f *Fake }

func (l fakeLog) slice(from, to int64) ([]engine.LogLine, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	n := int64(len(l.f.log))
	from, to = max(0, min(from, n)), max(0, min(to, n))
	return slices.Clone(l.f.log[from:max(from, to)]), nil
}

func (l fakeLog) Tail(n int) ([]engine.LogLine, error) {
	l.f.mu.Lock()
	end := int64(len(l.f.log))
	l.f.mu.Unlock()
	return l.slice(end-int64(n), end)
}

func (l fakeLog) Before(p engine.LogPos, n int) ([]engine.LogLine, error) {
	return l.slice(p.Offset-int64(n), p.Offset)
}

func (l fakeLog) After(p engine.LogPos, n int) ([]engine.LogLine, error) {
	return l.slice(p.Offset, p.Offset+int64(n))
}

func (l fakeLog) Search(_ context.Context, p engine.LogPos, back bool, match func([]byte) bool) (engine.LogLine, bool, error) {
	before, _ := l.slice(0, p.Offset)
	after, _ := l.slice(p.Offset, 1<<40)
	if back {
		slices.Reverse(before)
		after = before
	}
	for _, line := range after {
		if match(line.Text) {
			return line, true, nil
		}
	}
	return engine.LogLine{}, false, nil
}

func (l fakeLog) Wait(ctx context.Context, p engine.LogPos) (bool, error) {
	for {
		l.f.mu.Lock()
		grew, n := l.f.logGrew, int64(len(l.f.log))
		l.f.mu.Unlock()
		if n > p.Offset {
			return false, nil
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (l fakeLog) Close() error { return nil }
