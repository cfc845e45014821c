package attach

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// Options choose what Attach joins.
type Options struct {
	Session    string // exec session ID; "": the main process
	NoStdin    bool
	Replay     bool   // first send what the terminal showed last
	Cols, Rows uint16 // of the caller's terminal; 0: leave the size alone
}

// Attach joins a process of the container whose supervisor listens at path.
func Attach(ctx context.Context, path string, o Options) (*Session, error) {
	return open(ctx, path, request{
		Op: opAttach, Session: o.Session, Replay: o.Replay, Stdin: !o.NoStdin, Cols: o.Cols, Rows: o.Rows,
	})
}

// Exec starts a process in the container. A process that cannot be started is
// an *Error whose code is 126 or 127. With spec.Detach the session's ID is all
// that can be used.
func Exec(ctx context.Context, path string, spec ExecSpec) (*Session, error) {
	return open(ctx, path, request{Op: opExec, Exec: &spec})
}

// List describes the processes that can be attached to, the main one first.
func List(ctx context.Context, path string) ([]Info, error) {
	rep, err := ask(ctx, path, request{Op: opList})
	return rep.Sessions, err
}

// Wait returns the exit code of the container's main process, once its record
// is written. It is ErrLost when the supervisor vanished without an answer.
func Wait(ctx context.Context, path string) (int, error) {
	rep, err := ask(ctx, path, request{Op: opWait})
	if err != nil {
		return 255, err
	}
	if rep.Exit == nil {
		return 255, ErrProtocol
	}
	return rep.Exit.Code, nil
}

// Signal sends a signal, named or numbered as in kill(1), to the main process
// or to an exec session.
func Signal(ctx context.Context, path, session, name string) error {
	_, err := ask(ctx, path, request{Op: opSignal, Session: session, Signal: name})
	return err
}

// Resize sets the size of a session's terminal without attaching.
func Resize(ctx context.Context, path, session string, cols, rows uint16) error {
	_, err := ask(ctx, path, request{Op: opResize, Session: session, Cols: cols, Rows: rows})
	return err
}

// Pause freezes, Unpause thaws all processes of the container.
func Pause(ctx context.Context, path string) error {
	_, err := ask(ctx, path, request{Op: opPause})
	return err
}

// Unpause is the inverse of Pause.
func Unpause(ctx context.Context, path string) error {
	_, err := ask(ctx, path, request{Op: opUnpause})
	return err
}

// Stats fills v, a pointer to runtime.Stats, with the container's usage.
func Stats(ctx context.Context, path string, v any) error {
	rep, err := ask(ctx, path, request{Op: opStats})
	if err != nil {
		return err
	}
	return json.Unmarshal(rep.Stats, v)
}

// open sends a request that goes on as a stream.
func open(ctx context.Context, path string, req request) (*Session, error) {
	conn, r, rep, err := exchange(ctx, path, req)
	if err != nil {
		return nil, err
	}
	return &Session{conn: conn, r: r, id: rep.ID, tty: rep.Tty}, nil
}

// ask sends a request that ends with its reply.
func ask(ctx context.Context, path string, req request) (reply, error) {
	conn, _, rep, err := exchange(ctx, path, req)
	if err != nil {
		return reply{}, err
	}
	return rep, conn.Close()
}

func exchange(ctx context.Context, path string, req request) (*net.UnixConn, *bufio.Reader, reply, error) {
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, nil, reply{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	r := bufio.NewReaderSize(conn, 64<<10)
	rep, err := converse(conn, r, req)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, nil, reply{}, err
	}
	return conn, r, rep, nil
}

func converse(conn net.Conn, r *bufio.Reader, req request) (reply, error) {
	if err := writeJSON(conn, kindRequest, req); err != nil {
		return reply{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	k, payload, err := readFrame(r, nil, maxRequest)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	var rep reply
	if k != kindReply || json.Unmarshal(payload, &rep) != nil {
		return reply{}, ErrProtocol
	}
	if rep.Error != "" {
		return reply{}, &Error{Code: rep.Code, Text: rep.Error}
	}
	return rep, nil
}
