package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKilledSupervisorIsReportedAndSwept(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("run", "-d", "--name", "other", ref, "sleep", "1000")
	l.ok("run", "-d", "--name", "victim", ref, "sh", "-c", "echo logged; exec sleep 1000")
	l.eventually(func() bool { return l.gantry("logs", "victim").out == "logged\n" }, "the log has the line")
	id := strings.TrimSpace(l.ok("inspect", "-f", "{{.Id}}", "victim"))
	killSupervisor(t, id)
	l.eventually(func() bool { return strings.Contains(l.gantry("ps", "-a").out, "Exited (137)") }, "ps shows the loss")
	if reason := l.ok("inspect", "-f", "{{.State.Error}}", "victim"); !strings.Contains(reason, "supervisor") {
		t.Errorf("State.Error = %q does not name the supervisor", reason)
	}
	if logs := l.ok("logs", "victim"); logs != "logged\n" {
		t.Errorf("log after the loss: %q", logs)
	}
	if up := l.ok("ps", "-q", "--filter", "name=other"); strings.TrimSpace(up) == "" {
		t.Error("the other container is down too")
	}
	l.ok("start", "victim")
	l.ok("rm", "-f", "victim", "other")
}

// killSupervisor sends SIGKILL to the supervisor of container id.
func killSupervisor(t *testing.T, id string) {
	t.Helper()
	for _, dir := range procDirs() {
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		args := strings.Split(string(cmdline), "\x00")
		if len(args) > 2 && args[1] == "supervise" && args[2] == id {
			kill(t, filepath.Base(dir))
			return
		}
	}
	t.Fatalf("no supervisor of %s found", id)
}

func TestKilledPullLeavesNothingAndResumes(t *testing.T) {
	l := newLab(t)
	image := randomImage(t, 4<<20, 3)
	r := startRegistry(t)
	ref := r.push(t, "big/image:1", image)
	slow := slowProxy(t, r.host, 4<<20)
	slowRef := strings.Replace(ref, r.host, slow, 1)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := l.command(ctx, "pull", slowRef)
	if err := l.start(cmd); err != nil {
		t.Fatal(err)
	}
	l.eventually(func() bool {
		parts, _ := filepath.Glob(filepath.Join(l.lookup("GANTRY_ROOT"), "tmp", "*.part"))
		for _, p := range parts {
			if st, err := os.Stat(p); err == nil && st.Size() > 1<<20 {
				return true
			}
		}
		return false
	}, "a layer is half here")
	cancel() // SIGKILL
	_ = cmd.Wait()

	if out := l.ok("images", "-q"); out != "" {
		t.Errorf("a half-pulled image is listed: %q", out)
	}
	before := totalBytes(r)
	l.ok("pull", ref)
	if got := totalBytes(r) - before; got > 13<<20 {
		t.Errorf("the second pull fetched %d bytes of 12 MiB", got)
	}
	if left, _ := filepath.Glob(filepath.Join(l.lookup("GANTRY_ROOT"), "tmp", "*")); len(left) != 0 {
		t.Errorf("temporary files left: %q", left)
	}
}

func TestTwoPullsShareEveryBlob(t *testing.T) {
	l := newLab(t)
	r := startRegistry(t)
	ref := r.push(t, "shared/image:1", randomImage(t, 6<<20, 4))
	slow := slowProxy(t, r.host, 8<<20)
	ref = strings.Replace(ref, r.host, slow, 1)
	ends := make(chan result, 2)
	for range 2 {
		go func() { ends <- l.gantry("pull", ref) }()
	}
	for range 2 {
		if e := <-ends; e.code != 0 {
			t.Errorf("pull = %d, stderr %q", e.code, e.err)
		}
	}
	gets := r.blobGets()
	if len(gets) != 5 {
		t.Errorf("%d blobs were fetched, want 4 layers and a config: %v", len(gets), gets)
	}
	for digest, n := range gets {
		if n != 1 {
			t.Errorf("%s was fetched %d times", digest, n)
		}
	}
}

// TestKilledRunsLeaveNothing kills the starting process at many moments: the
// next command lists correctly, and what was half made is taken away.
func TestKilledRunsLeaveNothing(t *testing.T) {
	l := newLab(t)
	ref := busyboxRef(t)
	l.ok("pull", ref)
	for i := range 30 {
		cmd := l.command(context.Background(), "run", "--name", fmt.Sprintf("k%d", i), ref, "sleep", "1000")
		if err := l.start(cmd); err != nil {
			t.Fatal(err)
		}
		// The moment of death is the point: from before the record to after the
		// program's start.
		time.AfterFunc(time.Duration(i)*2*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		if r := l.gantry("ps", "-a"); r.code != 0 || strings.Contains(r.err, "damaged") {
			t.Fatalf("after kill %d: ps = %d, stderr %q", i, r.code, r.err)
		}
	}
	for _, id := range strings.Fields(l.ok("ps", "-aq")) {
		l.ok("rm", "-f", id)
	}
	if r := l.gantry("run", "--rm", "--name", "k5", ref, "echo", "again"); r.out != "again\n" {
		t.Errorf("a name whose run was killed cannot be used again: %d, %q", r.code, r.err)
	}
}
