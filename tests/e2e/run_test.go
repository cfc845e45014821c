package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestToolboxRunsWithoutAnyRegistry(t *testing.T) {
	l := newLab(t)
	out := l.ok("run", "--rm", "gantry/toolbox", "sh", "-c", "echo pid $$; hostname; ps | wc -l")
	if !strings.HasPrefix(out, "pid 1\n") {
		t.Errorf("output %q does not start with pid 1", out)
	}
	if images := l.ok("images"); !strings.Contains(images, "gantry/toolbox") {
		t.Errorf("images does not list the toolbox:\n%s", images)
	}
	if history := l.ok("history", "gantry/toolbox"); len(strings.Split(strings.TrimSpace(history), "\n")) != 2 {
		t.Errorf("history:\n%s", history)
	}
}

func TestPullListRunRemove(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	out := l.ok("pull", ref)
	if !strings.Contains(out, "Digest: sha256:") || !strings.Contains(out, "Status: Downloaded newer image for "+ref) {
		t.Errorf("pull printed %q", out)
	}
	if again := l.ok("pull", ref); !strings.Contains(again, "Status: Image is up to date for "+ref) {
		t.Errorf("second pull printed %q", again)
	}
	if id := strings.TrimSpace(l.ok("images", "-q", ref)); len(id) != 12 {
		t.Errorf("images -q = %q, want a 12-digit ID", id)
	}
	if got := l.ok("run", "--rm", ref, "echo", "hi"); got != "hi\n" {
		t.Errorf("run echo = %q", got)
	}
	if got := l.ok("ps", "-aq"); got != "" {
		t.Errorf("ps after run --rm = %q", got)
	}
	out = l.ok("rmi", ref)
	if !strings.Contains(out, "Untagged: "+ref) || !strings.Contains(out, "Deleted: sha256:") {
		t.Errorf("rmi printed %q", out)
	}
	if got := l.ok("images", "-q"); got != "" {
		t.Errorf("images after rmi = %q", got)
	}
}

func TestRunPullsWhatIsMissingAndKeepsStdoutClean(t *testing.T) {
	l := newLab(t)
	r := l.gantry("run", "--rm", busyboxRef(t), "echo", "only this")
	if r.code != 0 || r.out != "only this\n" {
		t.Errorf("run = %d, stdout %q, stderr %q", r.code, r.out, r.err)
	}
	if !strings.Contains(r.err, "Unable to find image") {
		t.Errorf("stderr %q does not say that the image was pulled", r.err)
	}
}

func TestExitCodes(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("pull", ref)
	for _, c := range []struct {
		code int
		args []string
	}{
		{0, []string{ref, "true"}},
		{3, []string{ref, "sh", "-c", "exit 3"}},
		{143, []string{ref, "sh", "-c", "sh -c 'kill -TERM $$'; exit $?"}},
		{137, []string{ref, "sh", "-c", "sh -c 'kill -9 $$'; exit $?"}},
		{126, []string{ref, "/etc"}},
		{127, []string{ref, "nope"}},
		{127, []string{ref, "/bin/nope"}},
		{125, []string{"--bogus", ref}},
		{125, []string{"127.0.0.1:1/none/such"}},
		{125, []string{"-u", "nosuch", ref, "true"}},
	} {
		if r := l.gantry(append([]string{"run", "--rm"}, c.args...)...); r.code != c.code {
			t.Errorf("run %q = %d, want %d (stderr %q)", c.args, r.code, c.code, r.err)
		}
	}
	if left := l.ok("ps", "-aq"); left != "" {
		t.Errorf("containers left: %q", left)
	}
}

func TestIsolationInside(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	script := `ps | wc -l; hostname; ls /proc/self/fd | tr '\n' ' '; echo; grep -E '^(CapEff|CapBnd|CapInh|CapAmb|Seccomp):' /proc/self/status
		for ns in pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$ns; done`
	out := l.ok("run", "--rm", "--name", "iso", ref, "sh", "-c", script)
	for _, want := range []string{
		"CapEff:\t00000000800405fb", "CapBnd:\t00000000800405fb",
		"CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "Seccomp:\t2",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("inside: no %q in\n%s", want, out)
		}
	}
	for _, ns := range []string{"pid", "mnt", "net", "ipc", "uts", "cgroup"} {
		own, err := os.Readlink("/proc/thread-self/ns/" + ns)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out, own) || !strings.Contains(out, ns+":[") {
			t.Errorf("namespace %s is shared with the host or missing:\n%s", ns, out)
		}
	}
	host, _ := os.Hostname()
	if strings.Contains(out, "\n"+host+"\n") {
		t.Errorf("the host's name %q is visible inside", host)
	}
	// The directory listing itself holds descriptor 3.
	if fds := regexp.MustCompile(`(?m)^0 1 2 3 $`); !fds.MatchString(out) {
		t.Errorf("descriptors inside are not 0 1 2 only:\n%s", out)
	}
}

func TestLimitsBite(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("pull", ref)
	r := l.gantry("run", "--name", "oom", "--memory", "16m", ref, "sh", "-c", "x=$(yes | tr -d '\\n' | head -c 200000000); echo survived")
	if r.code != 137 || strings.Contains(r.out, "survived") {
		t.Errorf("run over its memory = %d, stdout %q, want 137", r.code, r.out)
	}
	if oom := strings.TrimSpace(l.ok("inspect", "-f", "{{.State.OOMKilled}}", "oom")); oom != "true" {
		t.Errorf("OOMKilled = %s", oom)
	}
	l.ok("rm", "oom")
	r = l.gantry("run", "--rm", "--pids-limit", "8", ref, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; wait")
	if !strings.Contains(r.err, "fork") {
		t.Errorf("pids limit did not bite: code %d, stderr %q", r.code, r.err)
	}
}

func TestLifecycle(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	id := strings.TrimSpace(l.ok("run", "-d", "--name", "web", ref, "sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"))
	if len(id) != 64 {
		t.Fatalf("run -d printed %q, want a 64-digit ID", id)
	}
	l.eventually(func() bool { return l.gantry("logs", "web").out == "up\n" }, "the log shows the first line")
	if ps := l.ok("ps"); !strings.Contains(ps, id[:12]) || !strings.Contains(ps, "Up ") || !strings.Contains(ps, "web") {
		t.Errorf("ps:\n%s", ps)
	}
	if got := l.ok("exec", "web", "hostname"); strings.TrimSpace(got) != id[:12] {
		t.Errorf("hostname inside = %q, want %s", got, id[:12])
	}
	if r := l.gantry("exec", "web", "sh", "-c", "exit 9"); r.code != 9 {
		t.Errorf("exec exit 9 = %d", r.code)
	}
	if r := l.input("typed\n", "exec", "-i", "web", "cat"); r.out != "typed\n" {
		t.Errorf("exec -i cat = %q (stderr %q)", r.out, r.err)
	}
	l.fails(1, "is running", "rm", "web")
	if got := l.ok("stop", "web"); got != "web\n" {
		t.Errorf("stop printed %q", got)
	}
	if code := strings.TrimSpace(l.ok("wait", "web")); code != "7" {
		t.Errorf("wait printed %q, want 7", code)
	}
	if logs := l.ok("logs", "web"); logs != "up\nbye\n" {
		t.Errorf("logs = %q", logs)
	}
	if ps := l.ok("ps", "-a"); !strings.Contains(ps, "Exited (7)") {
		t.Errorf("ps -a:\n%s", ps)
	}
	l.ok("start", "web")
	if r := l.gantry("kill", "web"); r.code != 0 {
		t.Errorf("kill = %d %s", r.code, r.err)
	}
	if code := strings.TrimSpace(l.ok("wait", "web")); code != "137" {
		t.Errorf("wait after kill printed %q", code)
	}
	if got := l.ok("rm", "web"); got != "web\n" {
		t.Errorf("rm printed %q", got)
	}
	l.fails(1, "No such object", "inspect", "web")
}

func TestStopKillsWhatIgnoresTerm(t *testing.T) {
	l := newLab(t)
	l.ok("run", "-d", "--name", "deaf", busyboxRef(t), "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
	l.eventually(func() bool { return l.gantry("logs", "deaf").out == "ready\n" }, "the trap is set")
	r := l.gantry("stop", "-t", "1", "deaf")
	if r.code != 0 || r.took < time.Second || r.took > 3*time.Second {
		t.Errorf("stop -t 1 = %d after %v", r.code, r.took)
	}
	if code := strings.TrimSpace(l.ok("wait", "deaf")); code != "137" {
		t.Errorf("exit code %s, want 137", code)
	}
}

func TestLogsFollowToTheEnd(t *testing.T) {
	l := newLab(t)
	l.ok("run", "-d", "--name", "talk", busyboxRef(t), "sh", "-c", "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; sleep 0.1; done")
	r := l.gantry("logs", "-f", "talk")
	if r.out != "out 1\nout 2\nout 3\nout 4\nout 5\n" || r.err != "err 1\nerr 2\nerr 3\nerr 4\nerr 5\n" {
		t.Errorf("logs -f = %q and %q", r.out, r.err)
	}
	if got := l.ok("logs", "--tail", "1", "talk"); got != "out 5\n" && got != "" {
		t.Errorf("logs --tail 1 = %q", got)
	}
}

func TestEnvironmentUserWorkdirVolume(t *testing.T) {
	l := newLab(t)
	host := filepath.Join(l.dir, "data")
	if err := os.Mkdir(host, 0o755); err != nil {
		t.Fatal(err)
	}
	out := l.ok("run", "--rm", "-e", "A=1", "-u", "1000:1000", "-w", "/new/dir", "-h", "box", "-v", host+":/data:ro",
		busyboxRef(t), "sh", "-c", "echo $A; id -u; id -g; pwd; hostname; touch /data/x 2>&1; cat /etc/hostname")
	want := "1\n1000\n1000\n/new/dir\nbox\ntouch: /data/x: Read-only file system\nbox\n"
	if out != want {
		t.Errorf("inside = %q, want %q", out, want)
	}
	l.ok("run", "--rm", "-v", host+":/data", busyboxRef(t), "sh", "-c", "echo kept > /data/x")
	if data, err := os.ReadFile(filepath.Join(host, "x")); err != nil || string(data) != "kept\n" {
		t.Errorf("bind mount wrote %q, %v", data, err)
	}
	l.ok("run", "--rm", "-v", "vol:/v", busyboxRef(t), "sh", "-c", "echo 1 > /v/f")
	if got := l.ok("run", "--rm", "-v", "vol:/v", busyboxRef(t), "cat", "/v/f"); got != "1\n" {
		t.Errorf("named volume holds %q", got)
	}
}

func TestNetworks(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	if out := l.ok("run", "--rm", "--network", "none", ref, "ls", "/sys/class/net"); out != "lo\n" {
		t.Errorf("links with network none: %q", out)
	}
	if out := l.ok("run", "--rm", ref, "sh", "-c", "ip -4 addr show eth0 | grep -c inet; ip route | grep -c default"); out != "1\n1\n" {
		t.Errorf("bridge network: %q", out)
	}
	inside := l.ok("run", "--rm", "--network", "host", ref, "readlink", "/proc/self/ns/net")
	own, err := os.Readlink("/proc/thread-self/ns/net") // the first thread may stand elsewhere, see lab.start
	if err != nil || strings.TrimSpace(inside) != own {
		t.Errorf("host network: inside %q, outside %q (%v)", inside, own, err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	l.ok("run", "-d", "--name", "srv", "-p", fmt.Sprintf("127.0.0.1:%d:8080", port), ref, "sh", "-c",
		"while :; do echo -e 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 8080; done")
	l.eventually(func() bool {
		out, err := httpGet(fmt.Sprintf("http://127.0.0.1:%d/", port))
		return err == nil && strings.Contains(out, "hello")
	}, "the published port answers")
	if ps := l.ok("ps"); !strings.Contains(ps, fmt.Sprintf("127.0.0.1:%d->8080/tcp", port)) {
		t.Errorf("ps does not show the port:\n%s", ps)
	}
	l.fails(125, "port is already allocated", "run", "--rm", "-p", fmt.Sprintf("127.0.0.1:%d:80", port), ref, "true")
}

func TestDebianWithNetwork(t *testing.T) {
	l := newHostLab(t)
	ref := sharedRegistry(t).push(t, "library/debian:bookworm", debian(t))
	l.hostNet = false
	l.ok("pull", ref)
	l.hostNet = true
	if out := l.ok("run", "--rm", ref, "cat", "/etc/os-release"); !strings.Contains(out, "bookworm") {
		t.Errorf("os-release: %q", out)
	}
	r := l.gantry("run", "--rm", ref, "sh", "-c", "apt-get update && apt-get install -y --no-install-recommends vim-tiny && vim.tiny --version | head -1")
	if r.code != 0 || !strings.Contains(r.out, "VIM - Vi IMproved") {
		t.Errorf("apt-get = %d\n%s\n%s", r.code, tail(r.out, 15), tail(r.err, 15))
	}
}

func TestInteractiveShell(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("pull", ref)
	term := newTerminal(t, l, 80, 24)
	term.send("%s run -it --rm --name box %s sh\n", gantryBin, ref)
	term.expect("/ #")
	term.send("stty size; echo $((6*7)); tty\n")
	term.expect("24 80")
	term.expect("42")
	term.expect("/dev/pts/0")
	term.resize(100, 30)
	term.send("clear; stty size\n")
	term.expect("30 100")
	term.send("exit 5\n")
	term.expect("host$") // what is typed before belongs to the container
	term.send("echo code=$?\n")
	term.expect("code=5")
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func TestInputDeviceMustBeATerminal(t *testing.T) {
	l := newLab(t)
	l.ok("pull", busyboxRef(t))
	l.fails(1, "the input device is not a TTY", "run", "--rm", "-it", busyboxRef(t), "true")
}

func TestReturnsAtOnceWithTheCallersPipe(t *testing.T) {
	l := newLab(t)
	l.ok("pull", busyboxRef(t))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := l.command(ctx, "run", "-d", "--name", "bg", busyboxRef(t), "sleep", "1000")
	start := time.Now()
	out, err := cmd.Output() // returns only when nobody holds the pipe
	if err != nil || len(strings.TrimSpace(string(out))) != 64 {
		t.Fatalf("run -d: %v, %q", err, out)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("run -d held the caller's pipe for %v", took)
	}
}

// TestUnifiedCgroups runs a container where the only cgroup file system is
// version 2, as on current distributions: mounted so in a mount namespace.
func TestUnifiedCgroups(t *testing.T) {
	l := newLab(t)
	l.ok("pull", busyboxRef(t))
	script := `umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", script, gantryBin, "run", "--rm", "--memory", "64m", busyboxRef(t),
		"sh", "-c", `grep -q "/sys/fs/cgroup cgroup2 ro" /proc/mounts && echo two; grep -c Seccomp: /proc/self/status; mknod /tmp/b b 7 0; cat /tmp/b`)
	cmd.Env = l.env
	out, _ := cmd.CombinedOutput()
	for _, want := range []string{"two\n1\n", "Operation not permitted"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in the output of a container on cgroup v2:\n%s", want, out)
		}
	}
}

func TestAnonymousVolumesGoWithTheirContainer(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	volumes := func() int {
		names, _ := filepath.Glob(filepath.Join(l.lookup("GANTRY_ROOT"), "volumes", "*"))
		return len(names)
	}
	l.ok("run", "--rm", "-v", "/data", "-v", "named:/n", ref, "touch", "/data/x")
	if n := volumes(); n != 1 {
		t.Errorf("%d volumes after run --rm, want the named one", n)
	}
	l.ok("run", "--name", "keeps", "-v", "/data", ref, "true")
	l.ok("rm", "keeps")
	if n := volumes(); n != 2 {
		t.Errorf("%d volumes after rm, want the anonymous one kept", n)
	}
	l.ok("run", "--name", "takes", "-v", "/data", ref, "true")
	l.ok("rm", "-v", "takes")
	if n := volumes(); n != 2 {
		t.Errorf("%d volumes after rm -v, want its own gone", n)
	}
}
