package launch

import (
	"net"
	"os"
	"strings"
	"sync/atomic"
)

// Spare is a supervisor started before it is known for which container, so
// that it comes up beside its caller's own work. It has nothing and does
// nothing until it is told, and ends with its caller.
type Spare struct {
	up    chan struct{} // closed when the rest is set
	child *child
	conn  *net.UnixConn
	err   error
	taken atomic.Bool
}

// unassigned is a spare's argument in place of an ID, of the same length.
var unassigned = strings.Repeat("-", 64)

// Prepare begins to start a supervisor. It does not wait.
func Prepare() *Spare {
	s := &Spare{up: make(chan struct{})}
	go func() {
		defer close(s.up)
		s.child, s.conn, s.err = spawn(unassigned, environment(), nil)
	}()
	Quicken()
	return s
}

// Close ends a spare that nobody took. A nil spare is none.
func (s *Spare) Close() {
	if s == nil || !s.taken.CompareAndSwap(false, true) {
		return
	}
	if <-s.up; s.err == nil {
		_ = s.conn.Close()
		s.child.kill() // it has nothing to tidy up
		s.child.reap()
	}
}

// take waits until the spare can be told. It is false when there is none.
func (s *Spare) take() bool {
	if s == nil || !s.taken.CompareAndSwap(false, true) {
		return false
	}
	<-s.up
	return s.err == nil
}

// environment is what a supervisor needs of ours.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name == "PATH" || strings.HasPrefix(name, "GANTRY_") {
			env = append(env, kv)
		}
	}
	return env
}
