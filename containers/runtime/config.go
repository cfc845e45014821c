package runtime

import (
	"errors"
	"path"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/seccomp"
	"golang.org/x/sys/unix"
)

// ErrNoSeccomp refuses a confined container in a program built without seccomp.
var ErrNoSeccomp = errors.New("this program was built without seccomp: containers need seccomp=unconfined")

// SeccompBuiltIn tells whether containers can be confined at all.
func SeccompBuiltIn() bool { return seccomp.Enabled }

// configOf turns s into libcontainer's words. The notices name limits this
// machine cannot enforce.
func configOf(s *Spec) (cfg *configs.Config, notices []string, err error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	umask := uint32(0o022)
	cfg = &configs.Config{
		Rootfs:            s.Rootfs,
		Readonlyfs:        s.ReadonlyRootfs,
		RootPropagation:   unix.MS_PRIVATE | unix.MS_REC,
		ParentDeathSignal: int(unix.SIGKILL),
		Umask:             &umask,
		Hostname:          s.Hostname,
		Mounts:            mountsOf(s.Mounts),
		Devices:           nodes(),
		Namespaces:        namespaces(s),
		Capabilities:      capsOf(s.UID),
		MaskPaths:         masked(),
		ReadonlyPaths:     readonly(),
		NoNewPrivileges:   s.NoNewPrivileges,
	}
	if cfg.Namespaces.Contains(configs.NEWNET) {
		cfg.Sysctl = sysctls()
	}
	if cfg.Namespaces.IsPrivate(configs.NEWNET) {
		cfg.Networks = []*configs.Network{{Type: "loopback"}}
	}
	if !s.SeccompUnconfined {
		if !seccomp.Enabled {
			return nil, nil, ErrNoSeccomp
		}
		cfg.Seccomp = seccompOf(s.Arch, s.AllowSocketcall)
	}
	cfg.Cgroups, notices = cgroupOf(s)
	return cfg, notices, nil
}

func namespaces(s *Spec) configs.Namespaces {
	ns := configs.Namespaces{
		{Type: configs.NEWIPC}, {Type: configs.NEWUTS}, {Type: configs.NEWPID},
		{Type: configs.NEWNS}, {Type: configs.NEWCGROUP},
	}
	switch s.NetNS {
	case "host":
	case "", "new", "none":
		ns.Add(configs.NEWNET, "")
	default:
		ns.Add(configs.NEWNET, s.NetNS)
	}
	return ns
}

func cgroupPath(s *Spec) string {
	if s.CgroupPath != "" {
		return path.Clean("/" + s.CgroupPath)
	}
	return path.Join(Parent(), s.ID)
}

// cgroupOf sets the limits, leaving out with a notice those whose controller
// this machine does not have.
func cgroupOf(s *Spec) (*cgroups.Cgroup, []string) {
	const period = 100_000 // microseconds, the kernel's default
	const leastQuota = 1_000
	r := &cgroups.Resources{Devices: deviceRules()}
	var notices []string
	have := controllers()
	limit := func(name, what string, set func()) {
		if have(name) {
			set()
			return
		}
		notices = append(notices, what+" is not enforced: this machine has no "+name+" cgroup controller")
	}
	if s.Memory > 0 {
		limit("memory", "the memory limit", func() { setMemory(r, s.Memory) })
	}
	if s.NanoCPUs > 0 {
		limit("cpu", "the CPU limit", func() {
			r.CpuPeriod = period
			r.CpuQuota = max(s.NanoCPUs*period/1e9, leastQuota)
		})
	}
	if s.PidsLimit >= 0 {
		pids := s.PidsLimit
		if pids == 0 {
			pids = defaultPids
		}
		limit("pids", "the process limit", func() { r.PidsLimit = &pids })
	}
	return &cgroups.Cgroup{Path: cgroupPath(s), Resources: r}, notices
}
