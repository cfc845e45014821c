package runtime

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// roleEnv makes the test program a container's parent that can be killed.
const roleEnv = "GANTRY_TEST_PARENT"

// started is what such a parent says of its container.
type started struct {
	Pid      int
	Leftover Leftover
}

// supervise starts what roleEnv describes, tells, and never returns.
func supervise() {
	var spec Spec
	must(json.Unmarshal([]byte(os.Getenv(roleEnv)), &spec))
	c, err := Create(spec)
	must(err)
	p, err := c.Start(Stdio{})
	must(err)
	must(c.Release())
	must(json.NewEncoder(os.Stdout).Encode(started{p.Pid(), Leftover{spec.ID, spec.StateRoot, c.CgroupPaths()}}))
	select {}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// orphan starts spec in a process of its own and kills that once ready.
func orphan(t *testing.T, spec Spec, ready func(pid int) bool) started {
	t.Helper()
	text, err := json.Marshal(spec)
	check(t, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var s started
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err == nil {
		eventually(t, "the container is ready", func() bool { return ready(s.Pid) })
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	check(t, err)
	t.Cleanup(func() { check(t, CleanUp(s.Leftover)) })
	return s
}

func TestParentDies(t *testing.T) {
	s := orphan(t, specOf(t, "/bin/sleep", "1000"), func(pid int) bool { return alive(pid, "sleep") })
	eventually(t, "the container dies with its parent", func() bool { return !alive(s.Pid, "sleep") })
	for range 2 {
		check(t, CleanUp(s.Leftover))
	}
	for _, dir := range s.Leftover.CgroupPaths {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left behind", dir)
		}
	}
}

// A program that changes its credentials loses the parent-death signal.
func TestCleanUpKills(t *testing.T) {
	spec := specOf(t, "/bin/setuid")
	probe(t, spec.Rootfs, "setuid")
	s := orphan(t, spec, func(pid int) bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return strings.Contains(string(status), "Uid:\t1000\t1000")
	})
	if !alive(s.Pid, "setuid") {
		t.Fatal("the program died with its parent: the test shows nothing")
	}
	check(t, CleanUp(s.Leftover))
	if alive(s.Pid, "setuid") {
		t.Error("the program survived CleanUp")
	}
}

func alive(pid int, name string) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), "("+name+")") && !strings.Contains(string(text), ") Z ")
}

func TestCleanUpRefuses(t *testing.T) {
	for _, dir := range []string{
		"/", "/etc", cgroupRoot, cgroupRoot + "/memory", cgroupRoot + "/../../etc/x/y", cgroupRoot + "/memory/a/../../../..",
	} {
		if err := CleanUp(Leftover{ID: "x", CgroupPaths: []string{dir}}); err == nil {
			t.Errorf("CleanUp(%q) = nil, want a refusal", dir)
		}
	}
	for _, id := range []string{"", ".", "..", "a/b"} {
		if err := CleanUp(Leftover{ID: id, StateRoot: t.TempDir()}); err == nil {
			t.Errorf("CleanUp(id %q) = nil, want a refusal", id)
		}
	}
	killMember(1, nil)
	killMember(0, nil)
	killMember(-1, nil)
	if err := syscall.Kill(1, 0); err != nil {
		t.Errorf("pid 1 after killMember: %v", err)
	}
}
