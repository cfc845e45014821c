package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// Leftover is what the intent record knows of a container whose process died.
type Leftover struct {
	ID, StateRoot string
	CgroupPaths   []string // of every hierarchy; what is not there is skipped
}

// patience is how long CleanUp waits for killed processes to leave.
const patience = 5 * time.Second

// CleanUp kills every process in the cgroups, removes these and the state. It
// may be repeated and stops half-way without harm. It never signals its own
// process or a pid of 1 and below, and refuses a hierarchy's root.
func CleanUp(l Leftover) error {
	for _, dir := range l.CgroupPaths {
		if err := checkCgroup(dir); err != nil {
			return err
		}
	}
	err := empty(l.CgroupPaths)
	for _, dir := range l.CgroupPaths {
		err = errors.Join(err, removeTree(dir))
	}
	if err != nil || l.StateRoot == "" {
		return err
	}
	if l.ID == "" || l.ID == "." || l.ID == ".." || strings.ContainsRune(l.ID, '/') {
		return fmt.Errorf("cleaning up container %q: not a plain name", l.ID)
	}
	return os.RemoveAll(filepath.Join(l.StateRoot, l.ID))
}

// checkCgroup demands a directory of a parent's: neither a hierarchy's root nor
// what lies directly in it, where other people's cgroups are.
func checkCgroup(dir string) error {
	rest, ok := strings.CutPrefix(dir, cgroupRoot+"/")
	least := 2 // hierarchy/parent/id
	if cgroups.IsCgroup2UnifiedMode() {
		least = 1 // parent/id
	}
	if !ok || filepath.Clean(dir) != dir || strings.Count(rest, "/") < least {
		return fmt.Errorf("cleaning up cgroup %q: not a container's", dir)
	}
	return nil
}

// empty kills until nobody is left. Frozen first where there is a freezer, so
// that nothing forks away between reading and killing.
func empty(dirs []string) error {
	for _, dir := range dirs {
		_ = write(dir, "cgroup.kill", "1")
	}
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left := pidsIn(dirs)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cleaning up: processes %v do not die", left)
		}
		freeze(dirs, true)
		for _, pid := range pidsIn(dirs) {
			killMember(pid, dirs)
		}
		freeze(dirs, false)
		time.Sleep(pause)
	}
}

// freeze works on v1 freezers; v2 needs none, it has cgroup.kill, and kills
// frozen processes as well.
func freeze(dirs []string, on bool) {
	state := "THAWED"
	if on {
		state = "FROZEN"
	}
	for _, dir := range dirs {
		_ = write(dir, "freezer.state", state)
	}
}

func write(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// killMember takes hold of pid and then asks again whether that is a member:
// only so it cannot be somebody who got the number meanwhile.
func killMember(pid int, dirs []string) {
	if pid <= 1 || pid == os.Getpid() {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if slices.Contains(pidsIn(dirs), pid) {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// pidsIn lists the processes in dirs and below, each once.
func pidsIn(dirs []string) []int {
	var pids []int
	for _, dir := range dirs {
		walk(dir, func(d string) {
			text, _ := os.ReadFile(filepath.Join(d, "cgroup.procs"))
			for word := range strings.FieldsSeq(string(text)) {
				if pid, err := strconv.Atoi(word); err == nil && pid > 1 && pid != os.Getpid() {
					pids = append(pids, pid)
				}
			}
		})
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// walk visits dir and the cgroups below it, parents first.
func walk(dir string, visit func(string)) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			visit(path)
		}
		return nil
	})
}

// removeTree removes the cgroups below dir and dir. The kernel says busy for a
// moment after the last process went.
func removeTree(dir string) error {
	var all []string
	walk(dir, func(d string) { all = append(all, d) })
	slices.Reverse(all)
	deadline := time.Now().Add(patience)
	for _, d := range all {
		for {
			err := unix.Rmdir(d)
			if err == nil || errors.Is(err, unix.ENOENT) {
				break
			}
			if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
				return fmt.Errorf("removing cgroup %s: %w", d, err)
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}
