package images

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/internal/progress"
)

// What a layer is doing, in Docker's words.
const (
	actPulling     = "Pulling fs layer"
	actWaiting     = "Waiting"
	actDownloading = "Downloading"
	actExtracting  = "Extracting"
	actComplete    = "Pull complete"
	actExists      = "Already exists"
	actFailed      = "Failed"
	actLoading     = "Loading layer"
	actLoaded      = "Loaded"
)

const (
	reportEvery = 100 * time.Millisecond
	stalledFor  = 3 * time.Second // without a byte, until it is called a stall
)

// meter is the progress of one layer, either way, fed by its stages and read by report.
type meter struct {
	sink progress.Sink

	mu     sync.Mutex
	step   progress.Step
	remark string
	moved  time.Time    // when the last byte came
	peek   func() int64 // bytes another process has of it, while we wait
	sent   progress.Step
}

func newMeter(sink progress.Sink, d v1.Descriptor) *meter {
	id := d.Digest.Encoded()[:12]
	m := &meter{sink: sink, step: progress.Step{ID: id, Name: id, Total: d.Size}}
	m.set(actPulling, progress.Waiting)
	return m
}

// set enters a phase and says so at once.
func (m *meter) set(action string, state progress.State) {
	m.mu.Lock()
	m.step.Action, m.step.State, m.moved, m.peek = action, state, time.Now(), nil
	if state == progress.Done {
		m.step.Current, m.remark = m.step.Total, ""
	}
	m.mu.Unlock()
	m.send()
}

// others waits for another process's pull and shows how far that is.
func (m *meter) others(peek func() int64) {
	m.mu.Lock()
	m.peek = peek
	m.mu.Unlock()
}

// add counts bytes that came.
func (m *meter) add(n int) {
	m.mu.Lock()
	m.step.Current += int64(n)
	m.moved = time.Now()
	m.mu.Unlock()
}

// at sets the count, for a resumed or repeated transfer.
func (m *meter) at(n int64) {
	m.mu.Lock()
	m.step.Current = n
	m.mu.Unlock()
}

// note sets the remark beside the action; it is a registry.Notice.
func (m *meter) note(remark string) {
	m.mu.Lock()
	m.remark = remark
	m.mu.Unlock()
	m.send()
}

// send shows the state of things if it is news.
func (m *meter) send() {
	m.mu.Lock()
	s := m.step
	s.Detail = m.remark
	if m.peek != nil {
		s.Action, s.Detail, s.Current = actWaiting, "Waiting for another pull", m.peek()
	} else if idle := time.Since(m.moved); (s.Action == actDownloading || s.Action == actPushing) && s.Detail == "" && idle >= stalledFor {
		s.Detail = fmt.Sprintf("stalled %d s", int(idle.Seconds()))
	}
	news := s != m.sent
	m.sent = s
	m.mu.Unlock()
	if news {
		m.sink.Step(s)
	}
}

// report shows all meters regularly until ctx is done.
func report(ctx context.Context, meters []*meter) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, m := range meters {
			m.send()
		}
	}
}
