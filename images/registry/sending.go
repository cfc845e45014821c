package registry

import (
	"context"
	"io"
	"time"
)

// sending is a request's body that cancels the request when the registry takes
// nothing for the idle timeout. Once all is read, the time limit for the
// answer's header counts.
type sending struct {
	io.ReadCloser
	timer *time.Timer
	idle  time.Duration
	at    int64
	count func(int64)
}

func newSending(body io.ReadCloser, cancel context.CancelCauseFunc, idle time.Duration, at int64, count func(int64)) *sending {
	return &sending{
		ReadCloser: body, idle: idle, at: at, count: count,
		timer: time.AfterFunc(idle, func() { cancel(errStalled) }),
	}
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.at += int64(n)
	if s.count != nil {
		s.count(s.at)
	}
	if err != nil {
		s.timer.Stop()
	} else {
		s.timer.Reset(s.idle)
	}
	return n, err
}

func (s *sending) Close() error {
	s.timer.Stop()
	return s.ReadCloser.Close()
}
