package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gantry/containers"
	"gantry/containers/launch"
	"gantry/internal/testenv"

	"golang.org/x/sys/unix"
)

// prepare has a spare come up and waits to be killed.
func prepare() int {
	defer launch.Prepare().Close()
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}

// sparesOf lists pidfds of the spares that process parent has.
func sparesOf(t *testing.T, parent int) (fds []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	check(t, err)
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		var pid, ppid int
		var state string
		_, after, _ := strings.Cut(string(text), ") ")
		_, _ = fmt.Sscan(string(text), &pid)
		_, _ = fmt.Sscan(after, &state, &ppid)
		if ppid != parent || !strings.Contains(string(cmdline), "\x00"+launch.Command+"\x00---") {
			continue
		}
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			t.Cleanup(func() { _ = unix.Close(fd) })
			fds = append(fds, fd)
		}
	}
	return fds
}

func TestSpareBecomesTheSupervisor(t *testing.T) {
	r := newRig(t)
	id := r.create(nil, "sleep", "1000")
	spare := launch.Prepare()
	defer spare.Close()
	r.start(id, containers.StartInput{Spare: spare})
	r.supervisorOf(id) // its arguments tell whose it is
	if left := sparesOf(t, os.Getpid()); len(left) != 0 {
		t.Errorf("%d spares are left", len(left))
	}
}

func TestUnusedSpareLeavesNothing(t *testing.T) {
	testenv.NeedsRoot(t)
	launch.Prepare().Close()
	if left := sparesOf(t, os.Getpid()); len(left) != 0 {
		t.Errorf("%d spares are left", len(left))
	}
}

func TestSpareEndsWithItsCaller(t *testing.T) {
	testenv.NeedsRoot(t)
	caller := exec.Command("/proc/self/exe", "prepare")
	hold, err := caller.StdinPipe()
	check(t, err)
	defer hold.Close()
	check(t, caller.Start())
	var spares []int
	for len(spares) == 0 {
		check(t, t.Context().Err())
		spares = sparesOf(t, caller.Process.Pid)
	}
	check(t, caller.Process.Kill())
	_ = caller.Wait()
	ended := []unix.PollFd{{Fd: int32(spares[0]), Events: unix.POLLIN}}
	if n, err := unix.Poll(ended, 5000); n != 1 {
		t.Errorf("the spare outlives its caller: %v", err)
	}
}
