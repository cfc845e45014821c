package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"

	// Registers the device controller; without it no device rule is enforced.
	_ "github.com/opencontainers/cgroups/devices"
)

// cgroupRoot is where the hierarchies are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// controllers returns a question: can this machine enforce the named limit?
func controllers() func(name string) bool {
	if !cgroups.IsCgroup2UnifiedMode() {
		return func(name string) bool {
			_, err := os.Stat(filepath.Join(cgroupRoot, name, "cgroup.procs"))
			return err == nil
		}
	}
	list, _ := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	names := " " + strings.TrimSpace(string(list)) + " "
	return func(name string) bool { return strings.Contains(names, " "+name+" ") }
}

// setMemory limits memory, and swap to as much again where the kernel counts it.
func setMemory(r *cgroups.Resources, limit int64) {
	r.Memory = limit
	if countsSwap() {
		r.MemorySwap = 2 * limit
	}
}

func countsSwap() bool {
	if !cgroups.IsCgroup2UnifiedMode() {
		_, err := os.Stat(filepath.Join(cgroupRoot, "memory", "memory.memsw.limit_in_bytes"))
		return err == nil
	}
	swaps, _ := os.ReadFile("/proc/swaps")
	return bytes.Count(swaps, []byte("\n")) > 1
}

// oomKills reads how many processes of a cgroup the kernel killed for memory.
// paths are by controller, as libcontainer has them: "" is cgroup v2.
func oomKills(paths map[string]string) (int64, error) {
	if dir := paths["memory"]; dir != "" {
		return valueOf(filepath.Join(dir, "memory.oom_control"), "oom_kill")
	}
	dir := paths[""]
	if dir == "" {
		return 0, nil
	}
	return valueOf(filepath.Join(dir, "memory.events"), "oom_kill")
}

// valueOf reads the number beside key in a file of "key value" lines. A file
// that is gone has counted nothing.
func valueOf(file, key string) (int64, error) {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == key {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, nil
}
