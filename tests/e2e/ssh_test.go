package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sshServer is Debian's sshd on a loopback port, with a throw-away key.
type sshServer struct {
	dir  string
	port int
}

func startSSH(t *testing.T, l *lab) *sshServer {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshServer{dir: filepath.Join(l.dir, "ssh"), port: port}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	config := filepath.Join(s.dir, "sshd_config")
	var env strings.Builder
	for _, kv := range l.env {
		if !strings.HasPrefix(kv, "TERM=") {
			fmt.Fprintf(&env, "%s ", kv)
		}
	}
	text := fmt.Sprintf(`ListenAddress 127.0.0.1
HostKey %[1]s/host
PidFile none
AuthorizedKeysFile %[1]s/user.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PrintMotd no
SetEnv %[2]s
`, s.dir, strings.TrimSpace(env.String()))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// sshd insists on its own folder for privilege separation.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", config, "-p", fmt.Sprint(port))
	log := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	l.eventually(func() bool { return strings.Contains(log.String(), "Server listening") }, "sshd listens")
	return s
}

// command is the shell line that logs in and runs remote.
func (s *sshServer) command(remote string) string {
	return fmt.Sprintf("ssh -tt -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i %s/user -p %d root@127.0.0.1 %s",
		s.dir, s.port, remote)
}

// TestShellSurvivesALostLink is the product's promise: a shell opened from the
// workstation over ssh goes on when the link is cut, and is entered again.
func TestShellSurvivesALostLink(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) { loseTheLink(t, size[0], size[1]) })
	}
}

func loseTheLink(t *testing.T, cols, rows int) {
	l := newLab(t)
	ref := busyboxRef(t)
	server := startSSH(t, l)
	first := newTerminal(t, l, cols, rows)
	first.send("%s\n", server.command(gantryBin))
	first.expect("gantry  images")

	first.press("P")
	first.expect("pull an image")
	first.send("%s\n", ref)
	first.expect("pulled")

	first.press(":")
	first.expect("commands")
	first.send("run -dit --name work %s sh\n", ref)
	first.expect("exited 0")
	first.press("2")
	first.expect("gantry  containers")
	first.expect("work")
	first.press("a")
	first.expect("ctrl-]") // the way out is shown before anything else
	first.press("Enter")
	first.expect("/ #")
	first.send("for i in 1 2 3 4 5 6 7 8 9; do echo line-$i; done; secret=kept-$((20+22))\n")
	first.expect("line-9")

	pid := sshClientPid(t, server)
	kill(t, pid)
	first.expect("host$")
	if !strings.Contains(l.ok("ps"), "work") {
		t.Fatal("the container died with the link")
	}
	l.eventually(func() bool { return len(workstations(l)) == 0 }, "the workstation ended with its terminal")
	logs := l.ok("logs", "work")
	for i := 1; i <= 9; i++ {
		if !strings.Contains(logs, fmt.Sprintf("line-%d", i)) {
			t.Errorf("the log lacks line-%d", i)
		}
	}

	second := newTerminal(t, l, cols+1, rows)
	second.send("%s\n", server.command(gantryBin))
	second.expect("gantry  images")
	second.press("2")
	second.expect("gantry  containers")
	second.expect("work")
	second.press("a")
	second.expect("line-9") // the last screenful
	second.send("echo $secret\n")
	second.expect("kept-42")
	second.press("C-]")
	second.expect("left work; it runs on")
	second.press("q")
	second.expect("host$")
}

// sshClientPid finds the client that talks to server.
func sshClientPid(t *testing.T, s *sshServer) string {
	t.Helper()
	mark := fmt.Sprintf("-i\x00%s/user", s.dir)
	for _, dir := range procDirs() {
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err == nil && strings.HasPrefix(string(cmdline), "ssh\x00") && strings.Contains(string(cmdline), mark) {
			return filepath.Base(dir)
		}
	}
	t.Fatal("no ssh client found")
	return ""
}

// workstations lists the processes of this lab that show the screens.
func workstations(l *lab) []string {
	var found []string
	for _, p := range l.processes() {
		if !strings.Contains(p, "supervise") && strings.Contains(p, "gantry") && !strings.Contains(p, "tmux") && !strings.Contains(p, "ssh") {
			found = append(found, p)
		}
	}
	return found
}

func TestKilledWorkstationLeavesContainersAlone(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("run", "-d", "--name", "goes-on", ref, "sh", "-c", "i=0; while :; do i=$((i+1)); echo n $i; sleep 0.05; done")
	term := newTerminal(t, l, 80, 24)
	term.send("%s\n", gantryBin)
	term.expect("gantry  images")
	var pids []string
	l.eventually(func() bool { pids = workstations(l); return len(pids) == 1 }, "one workstation runs")
	kill(t, strings.Fields(pids[0])[1])
	term.send("\nreset\n")
	if !strings.Contains(l.ok("ps"), "goes-on") {
		t.Error("the container is gone")
	}
	last := l.ok("logs", "--tail", "1", "goes-on")
	l.eventually(func() bool { return l.gantry("logs", "--tail", "1", "goes-on").out != last }, "the log grows on")
}

func TestWorkstationOpensHelpsAndQuits(t *testing.T) {
	l := newLab(t)
	term := newTerminal(t, l, 80, 24)
	term.send("%s\n", gantryBin)
	term.expect("gantry  images")
	term.expect("?")
	term.press("?")
	term.expect("help")
	term.expect("Everywhere")
	term.press("Escape")
	term.gone("Everywhere")
	term.press("q")
	term.expect("host$")
}

func TestOddTerminals(t *testing.T) {
	l := newLab(t)
	term := newTerminal(t, l, 80, 24)
	for _, env := range []string{"TERM=no-such-terminal", "NO_COLOR=1", "LANG=C LC_ALL=C"} {
		term.send("%s %s\n", env, gantryBin)
		term.expect("gantry  images")
		if colours := term.tmux("capture-pane", "-p", "-e"); env == "NO_COLOR=1" && regexp.MustCompile("\x1b\\[(3[0-8]|4[0-8]|9[0-7]|10[0-7])").MatchString(colours) {
			t.Errorf("with %s the screen has colours:\n%q", env, colours)
		}
		term.press("q")
		term.gone("gantry  images")
	}
	term.send("TERM=dumb %s\n", gantryBin)
	term.expect("cannot move its cursor")
}
