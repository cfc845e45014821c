package runtime

import (
	"fmt"
	"strings"

	"github.com/opencontainers/cgroups"
)

// Stats is what a container uses, all of it since its start except Memory and
// Pids, which are of the moment.
type Stats struct {
	CPUNanos       uint64
	ThrottledNanos uint64
	Memory         uint64 // bytes, without file pages that can go at any time
	MemoryLimit    uint64 // bytes; the kernel's largest number when unlimited
	Pids           uint64
	PidsLimit      uint64 // 0 = unlimited
	PidsRefused    uint64 // forks that failed at the limit; 0 where not counted
	ReadBytes      uint64
	WriteBytes     uint64
}

// Stats reads the cgroups.
func (c *Container) Stats() (Stats, error) {
	if p := c.main(); p == nil || p.ended() {
		return Stats{}, ErrNotRunning
	}
	all, err := c.lib.Stats()
	if err != nil {
		return Stats{}, fmt.Errorf("reading usage: %w", err)
	}
	cg := all.CgroupStats
	s := Stats{
		CPUNanos:       cg.CpuStats.CpuUsage.TotalUsage,
		ThrottledNanos: cg.CpuStats.ThrottlingData.ThrottledTime,
		Memory:         working(cg.MemoryStats),
		MemoryLimit:    cg.MemoryStats.Usage.Limit,
		Pids:           cg.PidsStats.Current,
		PidsLimit:      cg.PidsStats.Limit,
	}
	for _, dir := range c.pidsDirs() {
		if n, err := valueOf(dir+"/pids.events", "max"); err == nil {
			s.PidsRefused = uint64(n)
		}
	}
	for _, e := range cg.BlkioStats.IoServiceBytesRecursive {
		switch strings.ToLower(e.Op) {
		case "read":
			s.ReadBytes += e.Value
		case "write":
			s.WriteBytes += e.Value
		}
	}
	return s, nil
}

func (c *Container) pidsDirs() []string {
	if dir := c.cgroups["pids"]; dir != "" {
		return []string{dir}
	}
	return []string{c.cgroups[""]}
}

// working is used memory without inactive file pages, as docker stats shows it.
func working(m cgroups.MemoryStats) uint64 {
	inactive, ok := m.Stats["total_inactive_file"]
	if !ok {
		inactive = m.Stats["inactive_file"]
	}
	if inactive > m.Usage.Usage {
		return 0
	}
	return m.Usage.Usage - inactive
}
