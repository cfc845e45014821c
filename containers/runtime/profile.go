package runtime

import (
	"path/filepath"

	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/runc/libcontainer/configs"
)

// defaultPids is what a container may have of processes and threads.
const defaultPids = 2048

// capabilities are what root holds in a container: Docker's without MKNOD,
// NET_RAW and AUDIT_WRITE. In hexadecimal 800405fb.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP",
	"CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
}

// capsOf are the sets of a process. Others than root only keep the bounding
// set, so that a setuid program still works. Inheritable and ambient stay empty.
func capsOf(uid uint32) *configs.Capabilities {
	if uid != 0 {
		return &configs.Capabilities{Bounding: capabilities}
	}
	return &configs.Capabilities{Bounding: capabilities, Permitted: capabilities, Effective: capabilities}
}

// maskedPaths read as empty; readonlyPaths cannot be written.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
		"/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
		"/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// masked is maskedPaths and the processors' thermal counters, which tell one
// container of another's load.
func masked() []string {
	counters, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle")
	return append(counters, maskedPaths...)
}

// readonly is readonlyPaths and, with cgroup v1, the tmpfs that holds the
// hierarchies: libcontainer leaves that one writable.
func readonly() []string {
	if cgroups.IsCgroup2UnifiedMode() {
		return readonlyPaths
	}
	return append([]string{"/sys/fs/cgroup"}, readonlyPaths...)
}

// ownMounts are what every container has.
func ownMounts() []Mount {
	return []Mount{
		{"proc", "/proc", "proc", []string{"nosuid", "noexec", "nodev"}},
		{"tmpfs", "/dev", "tmpfs", []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"devpts", "/dev/pts", "devpts", []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{"shm", "/dev/shm", "tmpfs", []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{"mqueue", "/dev/mqueue", "mqueue", []string{"nosuid", "noexec", "nodev"}},
		{"sysfs", "/sys", "sysfs", []string{"nosuid", "noexec", "nodev", "ro"}},
		{"cgroup", "/sys/fs/cgroup", "cgroup", []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
}

// sysctls of a network namespace of its own: ping and low ports for everyone.
func sysctls() map[string]string {
	return map[string]string{
		"net.ipv4.ping_group_range":           "0 2147483647",
		"net.ipv4.ip_unprivileged_port_start": "0",
	}
}

// nodes are the devices made in /dev.
func nodes() []*devices.Device {
	node := func(path string, major, minor int64) *devices.Device {
		return &devices.Device{Path: path, FileMode: 0o666, Rule: allow(major, minor)}
	}
	return []*devices.Device{
		node("/dev/null", 1, 3), node("/dev/zero", 1, 5), node("/dev/full", 1, 7),
		node("/dev/random", 1, 8), node("/dev/urandom", 1, 9), node("/dev/tty", 5, 0),
	}
}

func allow(major, minor int64) devices.Rule {
	return devices.Rule{Type: devices.CharDevice, Major: major, Minor: minor, Permissions: "rwm", Allow: true}
}

// deviceRules deny everything but the nodes, the terminals and making nodes
// (which a container cannot open then). runc would add 10:200, the tun device.
func deviceRules() []*devices.Rule {
	const any = devices.Wildcard
	rules := []*devices.Rule{
		{Type: devices.WildcardDevice, Major: any, Minor: any, Permissions: "rwm"},
		{Type: devices.CharDevice, Major: any, Minor: any, Permissions: "m", Allow: true},
		{Type: devices.BlockDevice, Major: any, Minor: any, Permissions: "m", Allow: true},
	}
	for _, n := range nodes() {
		rules = append(rules, &n.Rule)
	}
	console, ptmx, pts := allow(5, 1), allow(5, 2), allow(136, any)
	return append(rules, &console, &ptmx, &pts)
}
