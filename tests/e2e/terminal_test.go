package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// terminal is a tmux server of its own with one window.
type terminal struct {
	t      *testing.T
	socket string
	cols   int
	rows   int
}

// newTerminal opens a tmux window of the given size with a plain shell in
// this lab's environment.
func newTerminal(t *testing.T, l *lab, cols, rows int) *terminal {
	t.Helper()
	term := &terminal{t: t, socket: filepath.Join(l.dir, fmt.Sprintf("tmux-%dx%d", cols, rows)), cols: cols, rows: rows}
	args := []string{"-S", term.socket, "-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), "env", "-i"}
	args = append(args, l.env...)
	args = append(args, "PS1=host$ ", "TERM=tmux-256color", "sh")
	cmd := exec.Command("tmux", args...)
	cmd.Dir = l.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	term.tmux("set-option", "-g", "status", "off")
	term.tmux("set-option", "-g", "window-size", "manual")
	term.tmux("resize-window", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("last screen:\n%s", term.screen())
		}
		_ = exec.Command("tmux", "-S", term.socket, "kill-server").Run()
	})
	term.expect("host$")
	return term
}

func (m *terminal) tmux(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// send types text; a final newline presses Enter.
func (m *terminal) send(format string, args ...any) {
	m.t.Helper()
	text := fmt.Sprintf(format, args...)
	line, enter := strings.CutSuffix(text, "\n")
	if line != "" {
		m.tmux("send-keys", "-l", line)
	}
	if enter {
		m.tmux("send-keys", "Enter")
	}
}

// press sends keys by tmux's names, such as C-c or Escape.
func (m *terminal) press(keys ...string) {
	m.t.Helper()
	m.tmux(append([]string{"send-keys"}, keys...)...)
}

func (m *terminal) resize(cols, rows int) {
	m.t.Helper()
	m.tmux("resize-window", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows))
}

func (m *terminal) screen() string {
	out, _ := exec.Command("tmux", "-S", m.socket, "capture-pane", "-p").Output()
	return string(out)
}

// expect waits until the screen shows text.
func (m *terminal) expect(text string) {
	m.t.Helper()
	if !wait(30*time.Second, func() bool { return strings.Contains(m.screen(), text) }) {
		m.t.Fatalf("the screen never showed %q:\n%s", text, m.screen())
	}
}

// gone waits until the screen no longer shows text.
func (m *terminal) gone(text string) {
	m.t.Helper()
	if !wait(30*time.Second, func() bool { return !strings.Contains(m.screen(), text) }) {
		m.t.Fatalf("the screen still shows %q:\n%s", text, m.screen())
	}
}

func httpGet(url string) (string, error) {
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return string(data), err
}
