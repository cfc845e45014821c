package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/creack/pty"
)

// row is one figure: measured rounds times on each peer, in turns.
type row struct {
	name   string
	unit   string
	rounds int
	bare   bool // bare runtimes take part
	before func(*peer) error
	once   func(*peer) (float64, error) // NaN-free; an error leaves the peer out
	after  func(*peer)
}

func (r row) matches(text string) bool { return strings.Contains(r.name, text) }

func rows(l *lab, rounds int) []row {
	list := []row{
		runRow(l, "run true, bridge", "bridge", rounds),
		runRow(l, "run true, no network", "none", rounds),
		execRow(rounds),
	}
	for _, ref := range l.images {
		list = append(list, pullRow(ref, max(rounds/2, 3)))
	}
	return append(list, frameRow(l, rounds), residentRow(l))
}

func runRow(l *lab, name, network string, rounds int) row {
	return row{name: name, unit: "ms", rounds: rounds, bare: true,
		before: func(p *peer) error {
			if p.pull == nil {
				return nil
			}
			return p.pull(l.small).Run()
		},
		once: func(p *peer) (float64, error) { return timed(p.run(network)) },
	}
}

func execRow(rounds int) row {
	return row{name: "exec true", unit: "ms", rounds: rounds,
		before: func(p *peer) error { return p.start("bench-exec").Run() },
		once:   func(p *peer) (float64, error) { return timed(p.exec("bench-exec")) },
		after:  func(p *peer) { _ = p.stop("bench-exec").Run() },
	}
}

func pullRow(ref string, rounds int) row {
	return row{name: "pull " + strings.TrimSuffix(filepath.Base(ref), ":1"), unit: "ms", rounds: rounds,
		once: func(p *peer) (float64, error) {
			_ = p.rmi(ref).Run() // not there the first time
			return timed(p.pull(ref))
		},
	}
}

func timed(cmd *exec.Cmd) (float64, error) {
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", cmd, err, lastLine(out))
	}
	return float64(took) / float64(time.Millisecond), nil
}

// frameRow times from the start of the workstation to its first full frame.
func frameRow(l *lab, rounds int) row {
	return row{name: "first frame, 120x40", unit: "ms", rounds: rounds, once: func(p *peer) (float64, error) {
		if p.name != "gantry" {
			return 0, errOnlyGantry
		}
		cmd := exec.Command(l.bin)
		cmd.Env = gantryEnv(l)
		start := time.Now()
		tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 120, Rows: 40})
		if err != nil {
			return 0, err
		}
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = tty.Close()
		}()
		var seen bytes.Buffer
		buf := make([]byte, 64<<10)
		for !bytes.Contains(seen.Bytes(), []byte("images")) {
			n, err := tty.Read(buf)
			if err != nil {
				return 0, fmt.Errorf("the workstation ended: %w", err)
			}
			seen.Write(buf[:n])
		}
		return float64(time.Since(start)) / float64(time.Millisecond), nil
	}}
}

var errOnlyGantry = fmt.Errorf("only gantry has screens")

// residentRow measures what stays resident beside one idle container: the
// supervisor, or conmon, or the shim, as proportional set size.
func residentRow(l *lab) row {
	return row{name: "supervisor PSS, idle", unit: "MB", rounds: 1,
		before: func(p *peer) error { return p.start("bench-pss").Run() },
		once: func(p *peer) (float64, error) {
			marks := map[string]string{"gantry": "supervise", "podman": "conmon", "docker": "containerd-shim"}
			return settled(func() (float64, error) { return pss(marks[strings.Fields(p.name)[0]], l.dir) })
		},
		after: func(p *peer) { _ = p.stop("bench-pss").Run() },
	}
}

// settled samples until a process has been idle for a while: what it gives
// back after its start does not count.
func settled(sample func() (float64, error)) (float64, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	least, err := sample()
	for range 6 {
		<-tick.C
		v, e := sample()
		least, err = min(least, v), e
	}
	return least, err
}

var pssLine = regexp.MustCompile(`(?m)^Pss:\s+(\d+) kB`)

// pss sums the proportional set size, in MB, of the processes whose command
// line has mark and, somewhere in command line or environment, dir.
func pss(mark, dir string) (float64, error) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		cmdline, _ := os.ReadFile(proc + "/cmdline")
		env, _ := os.ReadFile(proc + "/environ")
		if mark == "" || !bytes.Contains(cmdline, []byte(mark)) || !bytes.Contains(append(cmdline, env...), []byte(dir)) {
			continue
		}
		rollup, err := os.ReadFile(proc + "/smaps_rollup")
		if err != nil {
			return 0, err
		}
		if m := pssLine.FindSubmatch(rollup); m != nil {
			kb, _ := strconv.ParseFloat(string(m[1]), 64)
			return kb / 1024, nil
		}
	}
	return 0, fmt.Errorf("no such process")
}
