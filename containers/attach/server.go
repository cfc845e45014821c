package attach

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"sort"
	"sync"
	"time"
)

type frameReader = *bufio.Reader

func newReader(conn net.Conn) frameReader { return bufio.NewReaderSize(conn, 4<<10) }

// asking is how long a connection may take to say what it wants.
const asking = 5 * time.Second

// Container is what a server needs of the container it serves.
type Container interface {
	// Exec starts a process. Its output is not read before begin is called, so
	// that whoever asked for it is attached by then; its hub is served until
	// finished. An *Error is passed on with its code.
	Exec(ctx context.Context, spec ExecSpec) (h *Hub, begin func(), err error)
	Pause() error
	Unpause() error
	Stats() (any, error)
}

// Server answers on one container's socket.
type Server struct {
	c    Container
	main *Hub
	wg   sync.WaitGroup

	mu     sync.Mutex
	hubs   map[string]*Hub
	conns  map[*net.UnixConn]struct{} // not yet handed to a hub
	closed bool
}

// NewServer serves main, the container's first process, and what c executes.
func NewServer(c Container, main *Hub) *Server {
	return &Server{c: c, main: main, hubs: map[string]*Hub{"": main}, conns: map[*net.UnixConn]struct{}{}}
}

// Serve accepts connections until l is closed.
func (s *Server) Serve(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of descriptors: others will close
			continue
		}
		if !allowed(conn) || !s.track(conn) {
			_ = conn.Close()
			continue
		}
		go func() {
			defer s.wg.Done()
			s.handle(conn)
		}()
	}
}

// Close ends the conversations that belong to no hub and waits for them. Every
// hub is finished before.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) track(conn *net.UnixConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[conn] = struct{}{}
	s.wg.Add(1)
	return true
}

func (s *Server) forget(conn *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// Drop forgets an exec session that has ended.
func (s *Server) Drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hubs, id)
}

func (s *Server) hub(id string) (*Hub, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hubs[id]; h != nil {
		return h, nil
	}
	return nil, errors.New("no such exec session: " + id)
}

func (s *Server) handle(conn *net.UnixConn) {
	_ = conn.SetReadDeadline(time.Now().Add(asking))
	r := newReader(conn)
	k, payload, err := readFrame(r, nil, maxRequest)
	var req request
	if err != nil || k != kindRequest || json.Unmarshal(payload, &req) != nil {
		s.forget(conn)
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	if req.Op == opAttach || req.Op == opExec {
		s.stream(conn, r, req)
		return
	}
	rep, err := s.answer(conn, r, req)
	if err != nil {
		rep = refusal(err)
	}
	s.forget(conn)
	s.reply(conn, rep)
}

func refusal(err error) reply {
	var e *Error
	if errors.As(err, &e) {
		return reply{Error: e.Text, Code: e.Code}
	}
	return reply{Error: err.Error()}
}

func (s *Server) answer(conn *net.UnixConn, r frameReader, req request) (reply, error) {
	switch req.Op {
	case opList:
		return reply{Sessions: s.list()}, nil
	case opWait:
		return s.wait(conn, r, req.Session)
	case opSignal:
		h, err := s.hub(req.Session)
		if err != nil {
			return reply{}, err
		}
		return reply{}, h.p.Signal(req.Signal)
	case opResize:
		h, err := s.hub(req.Session)
		if err != nil || h.p.Resize == nil {
			return reply{}, err
		}
		return reply{}, h.p.Resize(req.Cols, req.Rows)
	case opPause:
		return reply{}, s.c.Pause()
	case opUnpause:
		return reply{}, s.c.Unpause()
	case opStats:
		stats, err := s.c.Stats()
		if err != nil {
			return reply{}, err
		}
		raw, err := json.Marshal(stats)
		return reply{Stats: raw}, err
	}
	return reply{}, errors.New("unknown request: " + req.Op)
}

func (s *Server) list() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]Info, 0, len(s.hubs))
	for _, h := range s.hubs {
		infos = append(infos, h.Info())
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].ID < infos[j].ID })
	return infos
}

// wait answers when the process has ended, or when nobody waits any more.
func (s *Server) wait(conn *net.UnixConn, r frameReader, id string) (reply, error) {
	h, err := s.hub(id)
	if err != nil {
		return reply{}, err
	}
	left := make(chan struct{})
	go func() { defer close(left); _, _ = r.ReadByte() }()
	defer func() { _ = conn.SetReadDeadline(time.Unix(1, 0)); <-left }()
	select {
	case <-h.ended:
	case <-left:
		select {
		case <-h.ended: // Close interrupts our read when all has ended
		default:
			return reply{}, net.ErrClosed
		}
	}
	return reply{Exit: &exitStatus{h.code}}, nil
}

// stream joins the connection to a hub.
func (s *Server) stream(conn *net.UnixConn, r frameReader, req request) {
	defer s.forget(conn)
	h, begin, err := s.target(req)
	if err != nil {
		s.reply(conn, refusal(err))
		return
	}
	defer begin()
	rep := reply{ID: h.p.ID, Tty: h.p.Tty}
	stdin := req.Stdin
	if req.Op == opExec {
		if req.Exec.Detach {
			s.reply(conn, rep)
			return
		}
		stdin = req.Exec.OpenStdin
	}
	first, _ := json.Marshal(rep) // cannot fail
	c, err := h.join(conn, false, req.Replay, appendFrame(nil, kindReply, first))
	if err != nil {
		s.reply(conn, refusal(err))
		return
	}
	s.forget(conn) // it is the hub's from here on
	begin()
	if req.Op == opAttach && req.Cols > 0 && req.Rows > 0 && h.p.Resize != nil {
		_ = h.p.Resize(req.Cols, req.Rows) // the process may have ended
	}
	h.listen(c, r, stdin)
}

func (s *Server) reply(conn *net.UnixConn, rep reply) {
	_ = conn.SetWriteDeadline(time.Now().Add(farewell))
	_ = writeJSON(conn, kindReply, rep) // whoever asked may have left
	_ = conn.Close()
}

// target finds or starts the process that a stream is for. begin may be called
// more than once.
func (s *Server) target(req request) (h *Hub, begin func(), err error) {
	if req.Op == opAttach {
		h, err = s.hub(req.Session)
		return h, func() {}, err
	}
	if req.Exec == nil || len(req.Exec.Args) == 0 {
		return nil, nil, errors.New("no command to execute")
	}
	h, begin, err = s.c.Exec(context.Background(), *req.Exec)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	s.hubs[h.p.ID] = h
	s.mu.Unlock()
	return h, sync.OnceFunc(begin), nil
}
