package applets

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"gantry/internal/testenv"
)

// session is an interactive shell on a terminal.
type session struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	mu   sync.Mutex
	seen bytes.Buffer
	from int // what expect has consumed
}

func startSession(t *testing.T) *session {
	t.Helper()
	s := &session{t: t, cmd: toolboxCmd(t, t.TempDir(), "sh")}
	tty, err := pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s.tty = tty
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			s.mu.Lock()
			s.seen.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		_ = tty.Close()
		<-read
	})
	s.expect(`# $`)
	return s
}

func (s *session) send(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits until what has come since the last expect matches.
func (s *session) expect(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var text string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		text = s.seen.String()[s.from:]
		s.mu.Unlock()
		if at := re.FindStringIndex(text); at != nil {
			s.from += at[1]
			return
		}
	}
	s.t.Fatalf("terminal shows %q, want %s", text, pattern)
}

func (s *session) exits(code int) {
	s.t.Helper()
	_ = s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code = %d, want %d", got, code)
	}
}

func TestInteractiveShell(t *testing.T) {
	t.Run("runs and exits", func(t *testing.T) {
		s := startSession(t)
		s.send("echo a$((1+1))b\r")
		s.expect(`\na2b\r\n(?s:.*)# $`)
		s.send("exit 3\r")
		s.exits(3)
	})
	t.Run("end of input", func(t *testing.T) {
		s := startSession(t)
		s.send("false\r")
		s.expect(`# $`)
		s.send("\x04")
		s.exits(1)
	})
	t.Run("interrupt ends the command", func(t *testing.T) {
		s := startSession(t)
		for _, command := range []string{"sleep 60", "cat", "while true; do :; done", "sh -c 'sleep 60'"} {
			s.send("echo up; " + command + "; echo no\r")
			s.expect(`\nup\r\n`)
			s.send("\x03")
			s.expect(`# $`)
		}
		s.send("echo still\r")
		s.expect(`\nstill\r`)
	})
	t.Run("interrupt drops the line", func(t *testing.T) {
		s := startSession(t)
		s.send("echo 'open\r")
		s.expect(`> $`)
		s.send("\x03")
		s.expect(`\^C\r\n(?s:.*)# $`)
		s.send("echo again\r")
		s.expect(`\nagain\r`)
	})
	t.Run("edits lines", func(t *testing.T) {
		s := startSession(t)
		s.send("cho one two\x17three\x01e\x05!\r") // ^W drops a word, ^A ^E move
		s.expect(`\none three!\r\n(?s:.*)# $`)
		s.send("\x1b[A\x7f?\r") // up, backspace
		s.expect(`\none three\?\r\n(?s:.*)# $`)
		s.send("junk\x15echo left\x1b[D\x1b[D\x0b\r") // ^U, left left ^K
		s.expect(`\nle\r\n(?s:.*)# $`)
	})
	t.Run("several lines", func(t *testing.T) {
		s := startSession(t)
		s.send("for i in 1 2\r")
		s.expect(`> $`)
		s.send("do echo n$i; done\r")
		s.expect(`\nn1\r\nn2\r\n(?s:.*)# $`)
	})
}

// asPID1 makes cmd the first process of a PID namespace.
func asPID1(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID} }

func TestFirstProcess(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Run("reaps orphans", func(t *testing.T) {
		// Inner shells exit at once and leave their sleeps to PID 1.
		script := "for i in 1 2 3 4 5; do sh -c 'sleep 0.05 & exit 0'; done; sleep 0.3; ps | grep -c sleep; echo $$; exit 9"
		cmd := toolboxCmd(t, t.TempDir(), "sh", "-c", script)
		asPID1(cmd)
		got := output(t, cmd, "")
		if got.Code != 9 || !strings.HasSuffix(got.Out, "\n1\n") {
			t.Errorf("result = %+v, want code 9 and PID 1", got)
		}
	})
	for _, args := range [][]string{{"sh", "-c", "echo up; sleep 60; exit 1"}, {"sh", "-c", "tee; exit 1"}, {"tail", "-f", "f"}} {
		t.Run("TERM ends "+args[0], func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "f"), []byte("up\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := toolboxCmd(t, dir, args[0], args[1:]...)
			asPID1(cmd)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Its first output says that the handler is in place.
			_, _ = in.Write([]byte("up\n"))
			if _, err := out.Read(make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Process.Signal(unix.SIGTERM)
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 143 {
				t.Errorf("exit code = %d (%v), want 143", got, cmd.ProcessState)
			}
		})
	}
}
