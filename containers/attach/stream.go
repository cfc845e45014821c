package attach

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// keyWait is how long the first keys of a detach sequence wait for the rest.
const keyWait = 500 * time.Millisecond

// Stream copies raw bytes between the caller and the process until the process
// exits, the caller detaches, or ctx is done. It ends the session.
//
// A Read of st.In that is under way when the process exits is given up, and
// takes no byte with it, if st.In is an *os.File. Any other reader's last Read
// is left to return by itself.
func (s *Session) Stream(ctx context.Context, st Streams) (Result, error) {
	in := newInput(s, st)
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	inputDone := make(chan struct{})
	go func() { defer close(inputDone); in.run() }()

	res, err := s.receive(st, in)
	in.stop()
	<-inputDone
	_ = s.conn.Close()
	switch {
	case in.detached.Load():
		return Result{ExitCode: 0, Detached: true, Dropped: res.Dropped}, nil
	case (res.Lost || err != nil) && ctx.Err() != nil:
		return Result{ExitCode: 255, Detached: true, Dropped: res.Dropped}, ctx.Err()
	}
	return res, err
}

// receive handles what the supervisor sends, until exit.
func (s *Session) receive(st Streams, in *input) (Result, error) {
	res := Result{ExitCode: 255}
	buf := make([]byte, 64<<10)
	for {
		k, payload, err := readFrame(s.r, buf, maxFrame)
		if err != nil {
			if errors.Is(err, ErrProtocol) {
				return res, err
			}
			res.Lost = true
			return res, nil
		}
		switch k {
		case kindOutput:
			err = writeTo(st.Out, payload)
		case kindErrput:
			err = writeTo(st.Err, payload)
		case kindDropped:
			if len(payload) == 8 {
				res.Dropped += int64(binary.BigEndian.Uint64(payload))
			}
		case kindCredit:
			if len(payload) == 4 {
				in.credit(int(binary.BigEndian.Uint32(payload)))
			}
		case kindExit:
			var exit exitStatus
			if err := json.Unmarshal(payload, &exit); err != nil {
				return res, fmt.Errorf("exit frame: %w", ErrProtocol)
			}
			res.ExitCode = exit.Code
			return res, nil
		}
		if err != nil {
			return res, err
		}
	}
}

func writeTo(w io.Writer, p []byte) error {
	if w == nil {
		return nil
	}
	_, err := w.Write(p)
	return err
}

// input carries the caller's keys to the process.
type input struct {
	s        *Session
	from     io.Reader
	keys     detector
	detached atomic.Bool

	credits chan int
	quit    chan struct{}
	left    int // bytes that may be sent before the next credit
}

func newInput(s *Session, st Streams) *input {
	in := &input{
		s: s, from: st.In, keys: detector{keys: st.DetachKeys},
		credits: make(chan int, 1), quit: make(chan struct{}), left: window,
	}
	return in
}

func (in *input) stop() { close(in.quit) }

// credit adds to what may be sent. It never blocks: credits not yet taken are
// added up.
func (in *input) credit(n int) {
	for {
		select {
		case in.credits <- n:
			return
		case more := <-in.credits:
			n += more
		}
	}
}

// run forwards input until it ends, the caller detaches, or stop is called.
func (in *input) run() {
	if in.from == nil {
		return
	}
	chunks, end := readChunks(in.from, in.quit)
	defer end()
	timer := time.NewTimer(keyWait)
	timer.Stop()
	defer timer.Stop()
	for {
		var forward []byte
		var detach, eof bool
		select {
		case <-in.quit:
			return
		case <-timer.C:
			forward, detach = in.keys.expire(nil)
		case p, ok := <-chunks:
			if eof = !ok; eof {
				forward, detach = in.keys.expire(nil)
			} else {
				forward, detach = in.keys.feed(nil, p)
			}
		}
		if !in.forward(forward) {
			return
		}
		switch {
		case detach:
			in.detached.Store(true)
			_ = in.s.Close()
			return
		case eof:
			_ = in.s.send(kindCloseInput, nil)
			return
		case in.keys.held > 0:
			timer.Reset(keyWait)
		default:
			timer.Stop()
		}
	}
}

// forward sends p as far as credits allow, waiting for them.
func (in *input) forward(p []byte) bool {
	for len(p) > 0 {
		if in.left == 0 {
			select {
			case n := <-in.credits:
				in.left += n
			case <-in.quit:
				return false
			}
			continue
		}
		n := min(len(p), in.left, 32<<10)
		if in.s.send(kindInput, p[:n]) != nil {
			return false
		}
		in.left -= n
		p = p[n:]
	}
	return true
}
