package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gantry/internal/sandbox"
)

// kernelObjects lists everything in the kernel that a gantry process of this
// lab could have made: mounts, cgroups, links, nft tables and processes.
func (l *lab) kernelObjects() []string {
	var all []string
	all = append(all, l.mounts()...)
	all = append(all, l.cgroups()...)
	all = append(all, l.links()...)
	all = append(all, l.tables()...)
	all = append(all, l.processes()...)
	return all
}

func (l *lab) mounts() []string {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	var found []string
	for _, line := range strings.Split(string(data), "\n") {
		if strings.Contains(line, l.dir) {
			found = append(found, "mount "+line)
		}
	}
	return found
}

func (l *lab) cgroups() []string {
	var found []string
	for _, dir := range sandbox.CgroupDirs(l.lookup("GANTRY_CGROUP_PARENT")) {
		found = append(found, "cgroup "+dir)
		below, _ := filepath.Glob(dir + "/*/cgroup.procs")
		for _, procs := range below {
			found = append(found, "cgroup "+filepath.Dir(procs))
		}
	}
	return found
}

func (l *lab) links() []string {
	out, err := l.hostCommand("ip", "-o", "link")
	if err != nil {
		l.t.Fatalf("listing links: %v", err)
	}
	var found []string
	for _, line := range strings.Split(out, "\n") {
		if fields := strings.Fields(line); len(fields) > 1 {
			name, _, _ := strings.Cut(strings.TrimSuffix(fields[1], ":"), "@")
			found = append(found, "link "+name)
		}
	}
	return found
}

func (l *lab) tables() []string {
	out, err := l.hostCommand("nft", "list", "tables")
	if err != nil {
		l.t.Fatalf("listing nft tables: %v", err)
	}
	var found []string
	for _, line := range strings.Split(out, "\n") {
		if line != "" {
			found = append(found, "nft "+line)
		}
	}
	return found
}

// processes finds every process whose environment names this lab's store.
func (l *lab) processes() []string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	mark := "GANTRY_ROOT=" + l.lookup("GANTRY_ROOT")
	var found []string
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), mark) {
			continue
		}
		cmdline, _ := os.ReadFile(dir + "/cmdline")
		found = append(found, "process "+filepath.Base(dir)+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
	}
	return found
}

// hostCommand runs a host tool in this lab's network namespace.
func (l *lab) hostCommand(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		cmd.Path = path
		cmd.Err = nil
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := l.start(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

func (l *lab) lookup(key string) string {
	for _, kv := range l.env {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v
		}
	}
	return ""
}

// difference returns what is in now and was not before.
func difference(now, before []string) []string {
	var d []string
	for _, n := range now {
		if !slices.Contains(before, n) {
			d = append(d, n)
		}
	}
	return d
}
