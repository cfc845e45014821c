// Package host reads what the kernel says about this machine. A fact that
// cannot be read is left empty.
package host

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Facts describe the machine.
type Facts struct {
	Name            string
	KernelVersion   string
	OperatingSystem string
	Architecture    string // as uname -m
	CPUs            int
	MemoryBytes     int64
	CgroupVersion   string // 1 or 2
}

// Read collects the facts.
func Read() Facts {
	f := Facts{CPUs: runtime.NumCPU(), OperatingSystem: systemName("/etc/os-release"), CgroupVersion: "1"}
	f.Name, _ = os.Hostname()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		f.KernelVersion = unix.ByteSliceToString(u.Release[:])
		f.Architecture = unix.ByteSliceToString(u.Machine[:])
	}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		f.MemoryBytes = int64(si.Totalram) * int64(si.Unit) // Totalram is 32 bits wide on some
	}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		f.CgroupVersion = "2"
	}
	return f
}

// systemName returns PRETTY_NAME of an os-release file.
func systemName(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME=")
		if !ok {
			continue
		}
		if plain, err := strconv.Unquote(value); err == nil {
			return plain
		}
		return strings.Trim(value, "'")
	}
	return ""
}
