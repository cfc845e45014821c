package ui

import (
	"context"
	"fmt"
	"time"

	"gantry/engine"
	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

// pace is how often progress and changes reach the screen: ten and twenty
// times a second at most.
const (
	progressPace = 100 * time.Millisecond
	changePace   = 50 * time.Millisecond
)

// pull is one pull under way, or one that failed and was not looked at yet.
type pull struct {
	id     int
	ref    string
	sink   *engine.Latest
	done   chan struct{} // closed when the pull has ended
	cancel context.CancelFunc
	steps  []engine.Step
	err    error
}

type (
	pullMovedMsg struct {
		id    int
		steps []engine.Step
	}
	pullEndedMsg struct {
		id    int
		image engine.Image
		err   error
	}
)

func (r *root) pull(id int) *pull {
	for _, p := range r.pulls {
		if p.id == id {
			return p
		}
	}
	return nil
}

// startPull begins to pull ref beside whatever else is going on.
func (r *root) startPull(ref string) tea.Cmd {
	for i, p := range r.pulls {
		if p.ref == ref && p.err == nil {
			return screens.Toast(theme.Warning, ref+" is being pulled already")
		}
		if p.ref == ref {
			r.pulls = append(r.pulls[:i:i], r.pulls[i+1:]...)
			break
		}
	}
	r.pullCount++
	ctx, cancel := context.WithCancel(r.env.Ctx)
	p := &pull{id: r.pullCount, ref: ref, sink: engine.NewLatest(), done: make(chan struct{}), cancel: cancel}
	r.pulls = append(r.pulls, p)
	run := func() tea.Msg {
		defer close(p.done)
		image, err := r.backend.Images.Pull(ctx, ref, engine.PullOptions{}, p.sink)
		return pullEndedMsg{p.id, image, err}
	}
	return tea.Batch(run, p.watch(), r.tellPulls())
}

// watch waits for progress, and paces it.
func (p *pull) watch() tea.Cmd {
	id, sink, done := p.id, p.sink, p.done
	return func() tea.Msg {
		select {
		case <-sink.Changed:
		case <-done:
			return nil
		}
		pause(progressPace, done)
		steps, _ := sink.Snapshot()
		return pullMovedMsg{id, steps}
	}
}

// pause waits for d, or less if done comes first.
func pause(d time.Duration, done <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
	}
}

func (r *root) pullMoved(msg pullMovedMsg) tea.Cmd {
	p := r.pull(msg.id)
	if p == nil {
		return nil
	}
	p.steps = msg.steps
	return tea.Batch(r.tellPulls(), p.watch())
}

func (r *root) pullEnded(msg pullEndedMsg) tea.Cmd {
	p := r.pull(msg.id)
	if p == nil {
		return nil // it was stopped and taken away
	}
	p.cancel()
	if msg.err != nil {
		p.err = msg.err
		return tea.Batch(r.tellPulls(), screens.Toast(theme.Danger, "pulling "+p.ref+" failed"))
	}
	r.drop(p)
	name := p.ref
	if len(msg.image.Names) == 1 {
		name = msg.image.Names[0]
	}
	changed := screens.ChangedMsg{Kinds: map[string]bool{"images": true}}
	return tea.Batch(r.tellPulls(), r.broadcast(changed),
		screens.Toast(theme.Success, fmt.Sprintf("pulled %s", name)))
}

// stopPull ends a pull, or forgets one that failed.
func (r *root) stopPull(id int) tea.Cmd {
	p := r.pull(id)
	if p == nil {
		return nil
	}
	p.cancel()
	r.drop(p)
	if p.err != nil {
		return r.tellPulls()
	}
	return tea.Batch(r.tellPulls(), screens.Toast(theme.Plain, "stopped pulling "+p.ref))
}

func (r *root) drop(gone *pull) {
	for i, p := range r.pulls {
		if p == gone {
			r.pulls = append(r.pulls[:i:i], r.pulls[i+1:]...)
			return
		}
	}
}

// tellPulls gives the screens a picture of all pulls.
func (r *root) tellPulls() tea.Cmd {
	msg := screens.PullsMsg{}
	for _, p := range r.pulls {
		msg.Pulls = append(msg.Pulls, screens.Pull{ID: p.id, Ref: p.ref, Steps: p.steps, Err: p.err})
	}
	return r.broadcast(msg)
}
