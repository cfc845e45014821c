// Package supervisor is the one process that stays with a running container:
// parent of its programs, reader of their output, writer of its log, and
// whoever answers on its socket. It holds the container's lock for as long as
// it lives, so its death is the container's end, which the parent-death signal
// makes true. It decides nothing: what runs is in the record, and what happens
// to a container afterwards is for those who read the record.
package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
	"unsafe"

	"gantry/containers/attach"
	"gantry/containers/launch"
	engine "gantry/containers/runtime"

	"golang.org/x/sys/unix"
)

// Main is `gantry supervise <id>`, started by package launch.
// It returns when the container has ended and is tidied up.
func Main(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "supervise is started by gantry itself")
		return 2
	}
	caller, err := takeOver()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	signals := catchSignals()
	defer signal.Stop(signals)
	engine.Warm()
	start, err := launch.Receive(caller)
	if errors.Is(err, io.EOF) {
		return 0 // nobody needs us
	}
	var s *supervisor
	if err == nil {
		showID(args[0], start.ID)
		s, err = open(start)
	}
	if err == nil {
		err = s.begin(caller)
	}
	if err != nil {
		if s == nil || !s.told {
			answer(caller, refusal(err))
		}
		_ = caller.Close()
		return 1
	}
	idle := time.AfterFunc(time.Second, settleDown)
	defer idle.Stop()
	if err := s.serve(signals); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// takeOver makes the process what a supervisor has to be, and returns the
// connection to whoever started it.
func takeOver() (*net.UnixConn, error) {
	// Starting takes a few megabytes and milliseconds: no collection pays.
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	dropInherited()
	defaultIgnored()
	unix.Umask(0o022) // the container's programs inherit it
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("becoming a subreaper: %w", err)
	}
	return launch.Caller()
}

// showID writes id over an argument of this process, so that a list of
// processes tells whose supervisor it is although it started without knowing.
// Go's os.Args are the kernel's own copy of the arguments.
func showID(arg, id string) {
	if len(arg) == len(id) && arg != id {
		copy(unsafe.Slice(unsafe.StringData(arg), len(arg)), id)
	}
}

// dropInherited closes what the caller had left open for its children: a pipe
// of a script, say, whose reader would wait for us. All that this program opens
// itself closes on exec, which tells the two apart.
func dropInherited() {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, n := range names {
		fd, err := strconv.Atoi(n.Name())
		if err != nil || fd <= launch.ReadyFD {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}

// catchSignals catches what must not end a supervisor. They are caught rather
// than ignored, because an ignored signal stays ignored in the container.
func catchSignals() chan os.Signal {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE)
	return signals
}

// settleDown gives back what starting took, once it is clear that the container
// lives for a while. Pages of the program that only starting needed are let go
// too; the page cache keeps them.
func settleDown() {
	debug.SetGCPercent(50)
	debug.FreeOSMemory()
	releaseText()
}

func answer(caller net.Conn, r launch.Ready) {
	line, err := json.Marshal(r)
	if err == nil {
		_, err = caller.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "answering the caller:", err)
	}
}

// refusal is err with the exit code it stands for.
func refusal(err error) launch.Ready {
	code := 125
	var start *engine.StartError
	if errors.As(err, &start) {
		code = start.Code
	}
	return launch.Ready{Error: err.Error(), Code: code}
}

// execError is err as the answer to an exec request.
func execError(err error) error {
	var start *engine.StartError
	if errors.As(err, &start) {
		return &attach.Error{Code: start.Code, Text: err.Error()}
	}
	return &attach.Error{Code: 126, Text: err.Error()}
}

// exitCode is how a shell would report the status.
func exitCode(st engine.ExitStatus, err error) int {
	if err != nil {
		return 255
	}
	return st.Code
}
