package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gantry/internal/sandbox"
)

// peer is an engine or a bare runtime: how it does each thing we measure. A
// nil field means that it cannot.
type peer struct {
	name  string
	run   func(network string) *exec.Cmd // run true and leave nothing
	pull  func(ref string) *exec.Cmd
	rmi   func(ref string) *exec.Cmd
	start func(name string) *exec.Cmd // a container that sleeps
	exec  func(name string) *exec.Cmd
	stop  func(name string) *exec.Cmd // rm -f
	close func()
}

func findPeers(l *lab) []*peer {
	peers := []*peer{gantryPeer(l)}
	for _, find := range []func(*lab) (*peer, error){dockerPeer, podmanPeer, runcPeer("runc"), runcPeer("crun")} {
		p, err := find(l)
		if err != nil {
			fmt.Println("skipped:", err)
			continue
		}
		peers = append(peers, p)
	}
	return peers
}

// dockerShaped is a peer that answers to Docker's command line.
func dockerShaped(name string, l *lab, command func(args ...string) *exec.Cmd, runFlags ...string) *peer {
	with := func(head []string, tail ...string) *exec.Cmd {
		return command(append(append(head, runFlags...), tail...)...)
	}
	return &peer{
		name: name,
		run: func(network string) *exec.Cmd {
			return with([]string{"run", "--rm", "--network", network}, l.small, "true")
		},
		pull:  func(ref string) *exec.Cmd { return command("pull", "-q", ref) },
		rmi:   func(ref string) *exec.Cmd { return command("rmi", "-f", ref) },
		start: func(n string) *exec.Cmd { return with([]string{"run", "-d", "--name", n}, l.small, "sleep", "1000") },
		exec:  func(n string) *exec.Cmd { return command("exec", n, "true") },
		stop:  func(n string) *exec.Cmd { return command("rm", "-f", n) },
	}
}

func gantryEnv(l *lab) []string {
	return []string{
		"GANTRY_ROOT=" + filepath.Join(l.dir, "gantry"), "GANTRY_RUN=" + filepath.Join(l.dir, "gantry-run"),
		"GANTRY_BRIDGE=gbench0", "GANTRY_CGROUP_PARENT=/gantry-bench",
		"PATH=" + os.Getenv("PATH"), "HOME=" + l.dir, "TERM=xterm-256color", "LANG=C.UTF-8",
	}
}

func gantryPeer(l *lab) *peer {
	p := dockerShaped("gantry", l, func(args ...string) *exec.Cmd {
		cmd := exec.Command(l.bin, args...)
		cmd.Env = gantryEnv(l)
		return cmd
	})
	p.close = func() {
		cmd := exec.Command(l.bin, "system", "reset-network")
		cmd.Env = gantryEnv(l)
		_ = cmd.Run()
		sandbox.RemoveCgroups("/gantry-bench")
	}
	return p
}

// podmanPeer keeps the host's limits: raising them is not allowed everywhere.
func podmanPeer(l *lab) (*peer, error) {
	bin, err := exec.LookPath("podman")
	if err != nil {
		return nil, fmt.Errorf("podman is not installed")
	}
	dir := filepath.Join(l.dir, "podman")
	p := dockerShaped("podman "+version(bin), l, func(args ...string) *exec.Cmd {
		global := []string{"--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp", "--cgroup-manager", "cgroupfs"}
		if args[0] == "pull" {
			args = append([]string{"pull", "--tls-verify=false"}, args[1:]...)
		}
		return exec.Command(bin, append(global, args...)...)
	}, "--ulimit", "host")
	if out, err := tryRun(p, l); err != nil {
		return nil, fmt.Errorf("podman does not run here: %w: %s", err, lastLine(out))
	}
	return p, nil
}

// dockerPeer starts a dockerd of its own.
func dockerPeer(l *lab) (*peer, error) {
	daemon, err := exec.LookPath("dockerd")
	if err != nil {
		return nil, fmt.Errorf("dockerd is not installed")
	}
	client, err := exec.LookPath("docker")
	if err != nil {
		return nil, fmt.Errorf("docker's client is not installed")
	}
	dir := filepath.Join(l.dir, "docker")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	socket := "unix://" + dir + "/sock"
	cmd := exec.Command(daemon, "--data-root", dir+"/root", "--exec-root", dir+"/exec", "--pidfile", dir+"/pid", "-H", socket, "--default-ulimit", "nofile=1024:1024")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := dockerShaped("docker "+version(client), l, func(args ...string) *exec.Cmd {
		return exec.Command(client, append([]string{"-H", socket}, args...)...)
	})
	p.close = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		if exec.Command(client, "-H", socket, "info").Run() == nil {
			if out, err := tryRun(p, l); err != nil {
				p.close()
				return nil, fmt.Errorf("docker does not run here: %w: %s", err, lastLine(out))
			}
			return p, nil
		}
	}
	p.close()
	return nil, fmt.Errorf("dockerd does not start here: %s", lastLine(log.Bytes()))
}

func tryRun(p *peer, l *lab) ([]byte, error) {
	if out, err := p.pull(l.small).CombinedOutput(); err != nil {
		return out, err
	}
	return p.run("none").CombinedOutput()
}

// runcPeer is a bare OCI runtime on a ready bundle: no image, no network, no
// log.
func runcPeer(name string) func(*lab) (*peer, error) {
	return func(l *lab) (*peer, error) {
		bin, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("%s is not installed", name)
		}
		n := 0
		p := &peer{name: name + " " + version(bin), run: func(string) *exec.Cmd {
			n++
			return exec.Command(bin, "--root", filepath.Join(l.dir, name), "run", "--bundle", l.bundle, fmt.Sprintf("bench-%s-%d", name, n))
		}}
		if out, err := p.run("").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s does not run here: %w: %s", name, err, lastLine(out))
		}
		return p, nil
	}
}

func version(bin string) string {
	out, err := exec.Command(bin, "--version").Output()
	if err != nil {
		return ""
	}
	for _, word := range strings.Fields(string(out)) {
		if word[0] >= '0' && word[0] <= '9' {
			return strings.TrimRight(word, ",")
		}
	}
	return ""
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
