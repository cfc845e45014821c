package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"gantry/containers"
	"gantry/containers/attach"
	"gantry/containers/runtime"
	"gantry/containers/spec"

	"golang.org/x/sys/unix"
)

// serve keeps the container until its process ends, and sees it off.
func (s *supervisor) serve(signals <-chan os.Signal) error {
	over := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-signals:
				if sig == unix.SIGTERM {
					_ = s.container.Signal(unix.SIGKILL) // it may have ended
				}
			case <-over:
				return
			}
		}
	}()
	st, err := s.process.Wait()
	close(over)
	return s.end(exitCode(st, err))
}

// end is the order everything relies on: output, log, record, and only then
// the rest. Whoever waits is answered as soon as the record tells the same; a
// container that goes with its end is gone by then, and needs no note of it.
func (s *supervisor) end(code int) error {
	s.stopExec()
	s.streams.drain()
	var logged, noted error
	if !s.record.Host.AutoRemove {
		logged = s.log.Sync()
	}
	s.warn(errors.Join(logged, s.log.Close()))
	if !s.record.Host.AutoRemove {
		noted = s.noteExit(code)
	}

	answered := make(chan struct{})
	finish := func() { defer close(answered); s.hub.Finish(code) }
	if !s.record.Host.AutoRemove {
		go finish()
	}
	s.execs.Wait()
	err := errors.Join(noted, s.container.Destroy())
	s.streams.close()
	s.unmount()
	if s.record.Host.AutoRemove {
		err = errors.Join(err, s.erase())
		go finish()
	}
	<-answered
	s.disconnect()
	s.hangUp()
	s.server.Close()
	if err == nil {
		err = s.store.Intent(s.start.ID).Remove()
	}
	return err
}

// noteExit writes how the container ended.
func (s *supervisor) noteExit(code int) error {
	oom, err := s.container.OOMKilled()
	s.warn(err)
	_, err = s.manager.Update(context.Background(), s.start.ID, func(r *containers.Record) error {
		r.State.Status, r.State.ExitCode, r.State.OOMKilled = containers.Exited, code, oom
		r.State.FinishedAt = time.Now().UTC()
		r.State.Pid, r.State.IPAddress, r.State.Gateway, r.State.MacAddress, r.State.Ports = 0, "", "", "", nil
		return nil
	})
	return err
}

// erase removes the container, except for what the network has of it: that
// takes long and is given back behind the answer.
func (s *supervisor) erase() error {
	return s.manager.Erase(context.Background(), s.start.ID)
}

func (s *supervisor) stopExec() {
	s.execMu.Lock()
	defer s.execMu.Unlock()
	s.ended = true
}

// signal sends a signal to the main process.
func (s *supervisor) signal(name string) error {
	sig, err := containers.ParseSignal(name)
	if err != nil {
		return err
	}
	return s.container.Signal(sig)
}

// Pause freezes the container.
func (s *supervisor) Pause() error { return s.freeze(containers.Paused, s.container.Pause) }

// Unpause thaws it.
func (s *supervisor) Unpause() error { return s.freeze(containers.Running, s.container.Resume) }

// freeze changes the state of a container that runs, and its record with it.
// The record's lock keeps two of these, and the end, apart.
func (s *supervisor) freeze(to containers.Status, act func() error) error {
	_, err := s.manager.Update(context.Background(), s.start.ID, func(r *containers.Record) error {
		switch {
		case r.State.Status == to && to == containers.Paused:
			return fmt.Errorf("container %s is already paused", s.start.ID[:min(12, len(s.start.ID))])
		case r.State.Status == to:
			return fmt.Errorf("container %s is not paused", s.start.ID[:min(12, len(s.start.ID))])
		case r.State.Status != containers.Running && r.State.Status != containers.Paused:
			return runtime.ErrNotRunning
		}
		if err := act(); err != nil {
			return err
		}
		r.State.Status = to
		return nil
	})
	return err
}

// Stats reads the container's usage.
func (s *supervisor) Stats() (any, error) {
	st, err := s.container.Stats()
	return st, err
}

// Exec starts a further program. See attach.Container.
func (s *supervisor) Exec(_ context.Context, e attach.ExecSpec) (*attach.Hub, func(), error) {
	s.execMu.RLock()
	defer s.execMu.RUnlock()
	if s.ended {
		return nil, nil, &attach.Error{Code: 126, Text: runtime.ErrNotRunning.Error()}
	}
	built, err := spec.Exec(s.record, s.rootfs, spec.ExecIn{
		Args: e.Args, Env: e.Env, User: e.User, Cwd: e.WorkingDir, Tty: e.Tty,
	})
	if err != nil {
		return nil, nil, execError(err)
	}
	streams, err := newStdio(e.Tty, e.OpenStdin, e.Cols, e.Rows)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.container.Exec(built, streams.child)
	if err != nil {
		streams.closeChild()
		streams.close()
		return nil, nil, execError(err)
	}
	streams.started(p, e.OpenStdin)
	id := make([]byte, 32)
	_, _ = rand.Read(id) // cannot fail
	hub := streams.hub(hex.EncodeToString(id), e.Args, true, func(name string) error {
		sig, err := containers.ParseSignal(name)
		if err != nil {
			return err
		}
		return p.Signal(sig)
	})
	s.execs.Add(1)
	return hub, func() {
		streams.pump(hub.Output, hub.Errput)
		go s.seeOff(p, streams, hub)
	}, nil
}

// seeOff keeps an exec session until its process ends; then it is forgotten.
func (s *supervisor) seeOff(p *runtime.Process, streams *stdio, hub *attach.Hub) {
	defer s.execs.Done()
	code := exitCode(p.Wait())
	streams.drain()
	s.server.Drop(hub.Info().ID)
	hub.Finish(code)
	streams.close()
}
