// Package progress carries what a long operation is doing to whoever shows it.
// A Step is a snapshot: the latest one with the same ID replaces the former, so
// a slow reader may skip any number of them. A Log is output of a step and is
// kept in order. Results never travel here; they are return values.
package progress

import "sync"

// State says where a step stands.
type State string

// The states of a step, in the order it passes through them.
const (
	Waiting State = "waiting"
	Active  State = "active"
	Done    State = "done"
	Failed  State = "failed"
)

// Step is one unit of work, such as a layer of a pull.
type Step struct {
	ID      string // stable within one operation, e.g. a short layer digest
	Name    string // what is being worked on, already safe to print
	Action  string // present participle or result: "Downloading", "Extracting", "Pull complete"
	Detail  string // optional remark, e.g. "stalled 12 s"
	State   State
	Current int64 // bytes or items done
	Total   int64 // 0 when unknown
}

// Log is output that belongs to a step.
type Log struct {
	Step string // Step.ID, or "" for the operation itself
	Line string // one line without its newline, already safe to print
}

// Sink receives progress. Its methods never block and are safe for concurrent
// use.
type Sink interface {
	Step(Step)
	Log(Log)
}

// Discard drops everything.
var Discard Sink = discard{}

type discard struct{}

func (discard) Step(Step) {}
func (discard) Log(Log)   {}

// Or returns s, or Discard when s is nil.
func Or(s Sink) Sink {
	if s == nil {
		return Discard
	}
	return s
}

// Latest is a Sink that keeps the newest Step per ID, in order of first
// appearance, and the last MaxLogs log lines. Changed is signalled, without
// blocking and at most once until it is read, whenever something new came in.
type Latest struct {
	Changed chan struct{}

	mu    sync.Mutex
	order []string
	steps map[string]Step
	logs  []Log
}

// MaxLogs bounds what Latest remembers.
const MaxLogs = 1000

// NewLatest returns an empty Latest.
func NewLatest() *Latest {
	return &Latest{Changed: make(chan struct{}, 1), steps: map[string]Step{}}
}

// Step stores s, replacing an earlier snapshot of the same step.
func (l *Latest) Step(s Step) {
	l.mu.Lock()
	if _, seen := l.steps[s.ID]; !seen {
		l.order = append(l.order, s.ID)
	}
	l.steps[s.ID] = s
	l.mu.Unlock()
	l.signal()
}

// Log appends g, forgetting the oldest beyond MaxLogs.
func (l *Latest) Log(g Log) {
	l.mu.Lock()
	l.logs = append(l.logs, g)
	if len(l.logs) > MaxLogs {
		l.logs = append(l.logs[:0:0], l.logs[len(l.logs)-MaxLogs:]...)
	}
	l.mu.Unlock()
	l.signal()
}

// Snapshot returns the steps in order of first appearance and the log lines.
func (l *Latest) Snapshot() ([]Step, []Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	steps := make([]Step, 0, len(l.order))
	for _, id := range l.order {
		steps = append(steps, l.steps[id])
	}
	return steps, append([]Log(nil), l.logs...)
}

func (l *Latest) signal() {
	select {
	case l.Changed <- struct{}{}:
	default:
	}
}
