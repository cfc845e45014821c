package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gantry/internal/sandbox"
)

// stage is a store with a few images and containers in it.
type stage struct {
	bin    string
	dir    string
	cgroup string // parent of the containers' cgroups
	env    []string
}

// setup is what the scenes find, as headless command lines.
var setup = [][]string{
	{"run", "--rm", "gantry/toolbox", "true"},
	{"tag", "gantry/toolbox", "registry.example/team/web:2.4"},
	{"tag", "gantry/toolbox", "registry.example/team/worker:2.4"},
	{"run", "-d", "--name", "web", "-p", "127.0.0.1:8080:80", "registry.example/team/web:2.4", "sh", "-c",
		"i=0; while :; do i=$((i+1)); echo \"$(date +%H:%M:%S) GET /items/$i 200\"; sleep 1; done"},
	{"run", "-d", "--name", "worker", "--memory", "64m", "registry.example/team/worker:2.4", "sh", "-c",
		"for i in 1 2 3 4 5 6 7 8; do echo \"job $i taken\"; echo \"job $i done in ${i}00 ms\"; done; sleep 100000"},
	{"run", "-d", "--name", "shell", "-it", "gantry/toolbox", "sh"},
	{"run", "--name", "migrate", "registry.example/team/web:2.4", "sh", "-c", "echo migrated; exit 3"},
}

// newStage makes the store; strike removes it with everything running on it.
func newStage(bin string) (*stage, error) {
	dir, err := os.MkdirTemp("", "gantry-shots-")
	if err != nil {
		return nil, err
	}
	id := filepath.Base(dir)[len("gantry-shots-"):]
	id = id[max(0, len(id)-9):]
	s := &stage{bin: bin, dir: dir, cgroup: "/gantry-shots-" + id, env: []string{
		"GANTRY_ROOT=" + filepath.Join(dir, "root"),
		"GANTRY_RUN=" + filepath.Join(dir, "run"),
		"GANTRY_BRIDGE=gs" + id,
		"GANTRY_CGROUP_PARENT=/gantry-shots-" + id,
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm-256color", "COLORTERM=truecolor",
	}}
	for _, args := range setup {
		if out, err := s.command(args...).CombinedOutput(); err != nil && args[2] != "migrate" {
			s.strike()
			return nil, fmt.Errorf("gantry %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return s, nil
}

func (s *stage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.bin, args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	return cmd
}

func (s *stage) strike() {
	ids, _ := s.command("ps", "-aq").Output()
	for _, id := range strings.Fields(string(ids)) {
		_ = s.command("rm", "-f", id).Run()
	}
	_ = s.command("system", "reset-network").Run()
	sandbox.RemoveCgroups(s.cgroup)
	_ = os.RemoveAll(s.dir)
}
