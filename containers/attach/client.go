package attach

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"sync"
	"time"
)

const (
	// clientBuffer bounds the output that waits for one client.
	clientBuffer = 512 << 10
	// sliceSize is written to a client at a time; progress is judged by it.
	sliceSize = 64 << 10
	// patience is how long the process's output waits for a client that takes
	// nothing. A client that takes a slice in less loses nothing: `run … | wc
	// -c` counts every byte, also on a busy machine. One that sits behind a dead
	// line holds the container up once for this long, and then not until it has
	// made amends; one that was stopped, not even that.
	patience = 250 * time.Millisecond
	amends   = 10 * time.Second
	// suspicion is how long until a client is checked for being stopped.
	suspicion = 5 * time.Millisecond
	// farewell is how long an ended process's client may take per slice.
	farewell = time.Second
)

// client is the supervisor's side of one attached connection: a bounded
// buffer, emptied by a goroutine of its own.
type client struct {
	conn net.Conn
	done chan struct{} // closed when the writer has ended

	mu       sync.Mutex
	more     sync.Cond     // pending grew, or last or gone was set
	room     chan struct{} // a slice went out, or gone was set
	pending  []byte        // frames
	spare    []byte        // the writer's former buffer
	held     bool          // nothing may be sent yet
	last     bool          // nothing will be added: flush and close
	gone     bool          // the connection is dead
	dropped  uint64        // since the last dropped frame
	slowTill time.Time     // no patience before
}

func newClient(conn net.Conn, held bool) *client {
	c := &client{conn: conn, held: held, done: make(chan struct{}), room: make(chan struct{}, 1)}
	c.more.L = &c.mu
	return c
}

// output queues bytes of the process, or counts them as dropped.
func (c *client) output(k kind, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.last {
		return
	}
	if len(c.pending)+len(p)+2*headerSize+8 > clientBuffer && !c.waitForRoom(len(p)) {
		if c.gone {
			return
		}
		c.dropped += uint64(len(p))
		c.slowTill = time.Now().Add(amends)
		return
	}
	if c.dropped > 0 {
		c.pending = appendFrame(c.pending, kindDropped, binary.BigEndian.AppendUint64(nil, c.dropped))
		c.dropped = 0
	}
	c.pending = appendFrame(c.pending, k, p)
	c.more.Signal()
}

// waitForRoom waits for the client as long as it deserves. c.mu is held.
func (c *client) waitForRoom(n int) bool {
	if time.Now().Before(c.slowTill) {
		return false
	}
	timer := time.NewTimer(suspicion)
	defer timer.Stop()
	left := patience
	for !c.gone && len(c.pending)+n+2*headerSize+8 > clientBuffer {
		c.mu.Unlock()
		progress := true
		select {
		case <-c.room:
			left = patience
			timer.Reset(suspicion)
		case <-timer.C:
			progress = false
		}
		c.mu.Lock()
		if progress || c.held {
			continue
		}
		if left <= 0 || stopped(c.conn) {
			return false
		}
		timer.Reset(left)
		left = 0
	}
	return !c.gone
}

// control queues a frame that must not be lost; there are few of them.
func (c *client) control(k kind, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.last {
		return
	}
	c.pending = appendFrame(c.pending, k, payload)
	c.more.Signal()
}

// finish queues the exit and lets the writer end behind it.
func (c *client) finish(code int) {
	payload, _ := json.Marshal(exitStatus{code}) // an int cannot fail
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped > 0 {
		c.pending = appendFrame(c.pending, kindDropped, binary.BigEndian.AppendUint64(nil, c.dropped))
		c.dropped = 0
	}
	c.pending = appendFrame(c.pending, kindExit, payload)
	c.last = true
	c.more.Signal()
}

// release lets a held client's frames go.
func (c *client) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = false
	c.more.Signal()
}

// leave ends the writer at once.
func (c *client) leave() {
	c.mu.Lock()
	c.gone = true
	c.more.Signal()
	c.mu.Unlock()
	c.slice()
	_ = c.conn.Close()
}

// slice tells a waiting output that something moved.
func (c *client) slice() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// write sends what is queued until finish or leave.
func (c *client) write() {
	defer close(c.done)
	defer c.leave()
	for {
		buf, last, ok := c.take()
		if !ok {
			return
		}
		for len(buf) > 0 {
			n := min(len(buf), sliceSize)
			if last {
				_ = c.conn.SetWriteDeadline(time.Now().Add(farewell))
			}
			if _, err := c.conn.Write(buf[:n]); err != nil {
				return
			}
			buf = buf[n:]
			c.slice()
		}
		if last {
			return
		}
	}
}

// take waits for frames and takes all of them.
func (c *client) take() (buf []byte, last, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.gone && (c.held || len(c.pending) == 0 && !c.last) {
		c.more.Wait()
	}
	if c.gone {
		return nil, true, false
	}
	buf = c.pending
	c.pending, c.spare = c.spare[:0], buf
	c.slice()
	return buf, c.last, true
}
