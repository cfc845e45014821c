package supervisor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gantry/containers"
	"gantry/containers/attach"

	"golang.org/x/sys/unix"
)

// TestStoppedClientDoesNotSlowItsContainer compares, in turns, a container
// nobody looks at with one whose only client was stopped.
func TestStoppedClientDoesNotSlowItsContainer(t *testing.T) {
	r := newRig(t)
	var alone, watched []time.Duration
	for range 3 {
		alone = append(alone, r.produce(t, false))
		watched = append(watched, r.produce(t, true))
	}
	slices.Sort(alone)
	slices.Sort(watched)
	t.Logf("256 MiB alone in %v, beside a stopped client in %v", alone[1], watched[1])
	if watched[1] > 2*alone[1] {
		t.Error("the stopped client slows its container down")
	}
}

// produce measures a container that writes 256 MiB when told to.
func (r *rig) produce(t *testing.T, watched bool) time.Duration {
	t.Helper()
	id := r.create(nil, "sh", "-c", "until [ -e /go ]; do sleep 0.01; done; dd if=/dev/zero bs=65536 count=4096 2>/dev/null")
	r.start(id, containers.StartInput{})
	if watched {
		client := exec.Command("/proc/self/exe", "watch", r.m.Socket(id))
		out, err := client.StdoutPipe()
		check(t, err)
		check(t, client.Start())
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "attached" {
			t.Fatalf("client says %q", lines.Text())
		}
		check(t, client.Process.Signal(unix.SIGSTOP))
		defer func() {
			check(t, client.Process.Signal(unix.SIGCONT))
			_ = client.Wait() // whether it got its exit in time does not matter
		}()
	}
	s, err := r.m.Exec(t.Context(), id, attach.ExecSpec{Args: []string{"sh", "-c", ": > /go"}})
	check(t, err)
	begun := time.Now()
	_, err = s.Stream(t.Context(), attach.Streams{})
	check(t, err)
	if code, err := r.m.Wait(t.Context(), id); err != nil || code != 0 {
		t.Fatalf("Wait = %d, %v", code, err)
	}
	rec, err := r.m.Get(t.Context(), id)
	check(t, err)
	return rec.State.FinishedAt.Sub(begun)
}

func TestAttachedPipelineLosesNothing(t *testing.T) {
	r := newRig(t)
	out, code := r.run(nil, "", "seq", "1", "1000000")
	if code != 0 || strings.Count(out, "\n") != 1_000_000 || !strings.HasSuffix(out, "\n1000000\n") {
		t.Errorf("read %d lines, code %d", strings.Count(out, "\n"), code)
	}
}

func TestHangupIsNothingToASupervisor(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sh", "-c", "trap; cat /proc/self/status; sleep 1000")
	out := waitFor("SigCgt")
	s := r.start(id, containers.StartInput{Attach: true})
	done := make(chan attach.Result)
	go func() { res, _ := s.Stream(t.Context(), attach.Streams{Out: out}); done <- res }()
	out.wait(t)
	if !strings.Contains(out.String(), "SigIgn:\t0000000000000000") {
		t.Errorf("the program begins with signals ignored:\n%s", out.String())
	}
	pid := r.supervisorOf(id)
	for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGPIPE, unix.SIGQUIT} {
		check(t, unix.Kill(pid, sig))
	}
	if list, err := r.m.Sessions(t.Context(), id); err != nil || len(list) != 1 {
		t.Errorf("sessions = %v, %v", list, err)
	}
	check(t, attach.Signal(t.Context(), r.m.Socket(id), "", "KILL"))
	if res := <-done; res.ExitCode != 137 {
		t.Errorf("Stream = %+v", res)
	}
}

func TestSupervisorOwnsNothingOfItsCaller(t *testing.T) {
	r := newRig(t)
	leak, err := os.Open("/dev/zero")
	check(t, err)
	defer leak.Close()
	_, err = unix.FcntlInt(leak.Fd(), unix.F_SETFD, 0) // inheritable, as a careless caller's
	check(t, err)
	id := r.create(nil, "sleep", "1000")
	r.start(id, containers.StartInput{})
	dir := fmt.Sprintf("/proc/%d/fd/", r.supervisorOf(id))
	names, err := os.ReadDir(dir)
	check(t, err)
	for _, n := range names {
		target, _ := os.Readlink(dir + n.Name())
		if strings.HasPrefix(target, "/dev/") && target != "/dev/null" {
			t.Errorf("supervisor holds %s → %s", n.Name(), target)
		}
	}
	if sid, err := unix.Getsid(r.supervisorOf(id)); err != nil || sid != r.supervisorOf(id) {
		t.Errorf("session %d, %v", sid, err)
	}
}

// TestBridge runs in a network namespace of its own, which takes the bridge
// and the rules with it.
func TestBridge(t *testing.T) {
	r := newRig(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread goes with the test
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		bridge := func(rec *containers.Record) {
			rec.Host.NetworkMode = "bridge"
			rec.Config.Hostname = "box"
		}
		id := r.create(bridge, "sh", "-c", "cat /etc/hosts /etc/hostname /proc/net/route")
		var in containers.StartInput
		in.Attach = true
		in.Network.Bridge, in.Network.Subnet = "gtest0", "10.213.0.0/16"
		s, err := r.m.Start(t.Context(), id, r.input(in))
		if err != nil {
			t.Error(err)
			return
		}
		out := waitFor("\x00")
		if res, err := s.Stream(t.Context(), attach.Streams{Out: out, Err: out}); err != nil || res.ExitCode != 0 {
			t.Errorf("Stream = %+v, %v", res, err)
		}
		if got := out.String(); !strings.Contains(got, "\tbox\n") || !strings.Contains(got, "10.213.") || !strings.Contains(got, "eth0\t00000000") {
			t.Errorf("container sees\n%s", got)
		}
		eventually(t, "the lease is given back", 5*time.Second, func() bool { return len(leases(t, r)) == 0 })
		eventually(t, "the supervisor is gone", 5*time.Second, func() bool {
			_, err := r.store.Intent(id).Read()
			return err != nil
		})
	}()
	<-done
}

func leases(t *testing.T, r *rig) map[string]any {
	var pools map[string]struct {
		Leases map[string]any `json:"leases"`
	}
	text, err := os.ReadFile(filepath.Join(r.store.Run(), "ipam.json"))
	if err != nil || json.Unmarshal(text, &pools) != nil {
		return map[string]any{"unreadable": string(text)}
	}
	all := map[string]any{}
	for _, p := range pools {
		for id, l := range p.Leases {
			all[id] = l
		}
	}
	return all
}
