package runtime

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOOMKills(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "memory.oom_control"), []byte("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "memory.events"), []byte("low 0\noom 1\noom_kill 2\noom_group_kill 9\n"), 0o644))
	for _, tc := range []struct {
		name  string
		paths map[string]string
		want  int64
	}{
		{"v1", map[string]string{"memory": dir}, 3},
		{"hybrid", map[string]string{"memory": dir, "": t.TempDir()}, 3},
		{"v2", map[string]string{"": dir}, 2},
		{"gone", map[string]string{"": filepath.Join(dir, "nosuch")}, 0},
		{"none", nil, 0},
	} {
		if got, err := oomKills(tc.paths); got != tc.want || err != nil {
			t.Errorf("%s: oomKills() = %d, %v, want %d", tc.name, got, err, tc.want)
		}
	}
}

func TestLimits(t *testing.T) {
	cg, notices := cgroupOf(&Spec{ID: "x", Memory: 1 << 20, NanoCPUs: 1, PidsLimit: -1})
	if cg.Memory > 0 && (cg.Memory != 1<<20 || cg.PidsLimit != nil) || cg.CpuQuota != 0 && cg.CpuQuota != 1000 {
		t.Errorf("cgroupOf() = %+v, %v", cg.Resources, notices)
	}
	cg, _ = cgroupOf(&Spec{ID: "x", CgroupPath: "a/../../b"})
	if cg.Path != "/b" || cg.PidsLimit != nil && *cg.PidsLimit != defaultPids {
		t.Errorf("cgroupOf() = %q, pids %v, want /b, %d", cg.Path, cg.PidsLimit, defaultPids)
	}
	for _, r := range cg.Devices {
		if r.Allow && r.Major == 10 {
			t.Errorf("device %d:%d is allowed", r.Major, r.Minor)
		}
	}
}
