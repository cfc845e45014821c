package launch

import (
	"bytes"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Quicken makes the kernel ready to move a process into cgroups. Whoever is the
// first to do so after a while waits for all processors to have passed a quiet
// point, some 8 ms; those who follow closely do not. So this process moves into
// the cgroup where it is, which changes nothing, beside the work that comes
// before a container's first process is moved. That may be refused or be
// impossible here, which costs those milliseconds and nothing else.
func Quicken() {
	go func() {
		list, err := os.ReadFile("/proc/self/cgroup")
		if err != nil {
			return
		}
		for line := range bytes.Lines(list) {
			if stay(string(bytes.TrimSpace(line))) == nil {
				return
			}
		}
	}()
}

// stay moves this process to where line, of /proc/self/cgroup, says it is.
func stay(line string) error {
	_, line, _ = strings.Cut(line, ":")
	names, dir, _ := strings.Cut(line, ":")
	name, _, _ := strings.Cut(strings.TrimPrefix(names, "name="), ",")
	fd, err := unix.Open(path.Join("/sys/fs/cgroup", name, dir, "cgroup.procs"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("0"))
	return err
}
