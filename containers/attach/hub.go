package attach

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Process is the supervisor's hold on a running process, as far as clients
// reach it.
type Process struct {
	ID     string // "" for the main process
	Args   []string
	Tty    bool
	Stdin  *os.File // where input goes, owned by the hub; nil: there is none
	Once   bool     // input ends with the first client that ends its own
	Signal func(name string) error
	Resize func(cols, rows uint16) error // nil without a terminal
}

// Hub joins one process to its clients. Whoever reads the process's output
// hands it to Output; a hub never blocks on a client for longer than patience.
type Hub struct {
	p     Process
	input *inputQueue
	ended chan struct{} // closed by Finish
	wg    sync.WaitGroup

	mu      sync.Mutex
	ring    ring
	clients map[*client]struct{}
	code    int
	done    bool
}

// NewHub begins to serve p. Finish must be called.
func NewHub(p Process) *Hub {
	h := &Hub{p: p, clients: map[*client]struct{}{}, ended: make(chan struct{})}
	if p.Stdin != nil {
		h.input = newInputQueue(p.Stdin, p.Tty)
		h.wg.Add(1)
		go func() { defer h.wg.Done(); h.input.run() }()
	}
	return h
}

// Output hands bytes of standard output to everybody attached.
func (h *Hub) Output(p []byte) { h.fan(kindOutput, p) }

// Errput hands bytes of standard error to everybody attached.
func (h *Hub) Errput(p []byte) { h.fan(kindErrput, p) }

func (h *Hub) fan(k kind, p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.write(p)
	for c := range h.clients {
		c.output(k, p)
	}
}

// Finish tells the clients how the process ended and waits until each has
// taken that, or was given up. The caller has written the record before.
func (h *Hub) Finish(code int) {
	h.mu.Lock()
	if h.done {
		h.mu.Unlock()
		return
	}
	h.done, h.code = true, code
	for c := range h.clients {
		c.finish(code)
	}
	close(h.ended)
	h.mu.Unlock()
	if h.input != nil {
		h.input.stop()
	}
	h.wg.Wait()
}

// Info describes the process.
func (h *Hub) Info() Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Info{ID: h.p.ID, Args: h.p.Args, Tty: h.p.Tty, Clients: len(h.clients)}
}

// AdoptFirst attaches conn before the process starts. Nothing is sent on it
// until the returned function is called, so the caller may write to it first.
func (h *Hub) AdoptFirst(conn net.Conn) (release func()) {
	c, _ := h.join(conn, true, true, nil)
	h.wg.Add(1)
	go func() { defer h.wg.Done(); h.listen(c, newReader(conn), true) }()
	return c.release
}

// join adds a client whose first frames are begin and, if asked for, the
// replay: what it shows and what follows leave no gap.
func (h *Hub) join(conn net.Conn, held, replay bool, begin []byte) (*client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done {
		return nil, ErrNotRunning
	}
	c := newClient(conn, held)
	c.pending = append(c.pending, begin...)
	if replay {
		if b := stripQueries(h.ring.bytes()); len(b) > 0 {
			c.pending = appendFrame(c.pending, kindOutput, b)
		}
	}
	h.clients[c] = struct{}{}
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		c.write()
		h.mu.Lock()
		delete(h.clients, c)
		h.mu.Unlock()
	}()
	return c, nil
}

// listen obeys a client until it leaves.
func (h *Hub) listen(c *client, r frameReader, stdin bool) {
	defer c.leave()
	stdin = stdin && h.input != nil
	var buf []byte
	for {
		k, payload, err := readFrame(r, buf, maxFrame)
		if err != nil {
			if stdin && h.p.Once && !h.p.Tty && !errors.Is(err, ErrProtocol) {
				h.input.push(nil, nil)
			}
			return
		}
		buf = payload[:0]
		switch k {
		case kindLeave:
			return
		case kindInput:
			if !stdin {
				c.control(kindCredit, binary.BigEndian.AppendUint32(nil, uint32(len(payload))))
			} else if !h.input.push(append([]byte(nil), payload...), c) {
				return
			}
		case kindCloseInput:
			if stdin && h.p.Once {
				h.input.push(nil, nil)
			}
		case kindResize:
			if cols, rows, ok := unpackSize(payload); ok && h.p.Resize != nil {
				_ = h.p.Resize(cols, rows) // the process may have ended
			}
		case kindSignal:
			_ = h.p.Signal(string(payload)) // likewise
		}
	}
}

// inputQueue feeds a process's standard input from any number of clients.
type inputQueue struct {
	f     *os.File
	tty   bool
	mu    sync.Mutex
	more  sync.Cond
	queue []chunk
	bytes int
	over  bool // nothing more is taken
}

type chunk struct {
	data []byte // nil: end of input
	from *client
}

// maxQueued bounds input that the process does not read; clients that keep to
// their windows reach it only together.
const maxQueued = 16 * window

func newInputQueue(f *os.File, tty bool) *inputQueue {
	q := &inputQueue{f: f, tty: tty}
	q.more.L = &q.mu
	return q
}

// push queues data, or with nil the end of input. It refuses a flood.
func (q *inputQueue) push(data []byte, from *client) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+len(data) > maxQueued {
		return false
	}
	q.queue = append(q.queue, chunk{data, from})
	q.bytes += len(data)
	q.more.Signal()
	return true
}

func (q *inputQueue) stop() {
	q.mu.Lock()
	q.over = true
	q.more.Signal()
	q.mu.Unlock()
	_ = q.f.SetWriteDeadline(time.Unix(1, 0)) // a write that waits for the program
}

func (q *inputQueue) run() {
	closed := false
	defer func() {
		if !closed && !q.tty {
			_ = q.f.Close()
		}
	}()
	for {
		c, ok := q.take()
		if !ok {
			return
		}
		switch {
		case closed:
		case c.data != nil:
			_, _ = q.f.Write(c.data) // a process may close its input
		case q.tty:
			_, _ = q.f.Write([]byte{4}) // what a terminal has for an end
		default:
			_ = q.f.Close()
			closed = true
		}
		if c.from != nil {
			c.from.control(kindCredit, binary.BigEndian.AppendUint32(nil, uint32(len(c.data))))
		}
	}
}

func (q *inputQueue) take() (chunk, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.over && len(q.queue) == 0 {
		q.more.Wait()
	}
	if q.over {
		return chunk{}, false
	}
	c := q.queue[0]
	q.queue = q.queue[1:]
	q.bytes -= len(c.data)
	return c, true
}
