// Command bench measures Gantry beside whatever peers are installed (docker,
// podman, runc, crun), in one run and in turns, and prints medians with the
// ratio to the best peer. It judges nothing and touches neither the machine's
// own network nor anybody's store: it works in namespaces and folders of its
// own.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// insideEnv marks the process that already stands in its own namespaces.
const insideEnv = "GANTRY_BENCH_INSIDE"

func main() {
	rounds := flag.Int("n", 10, "rounds of each row; pulls take half")
	only := flag.String("only", "", "measure only rows whose name contains this")
	flag.Parse()
	var err error
	if os.Getenv(insideEnv) == "" {
		err = enter()
	} else {
		err = bench(*rounds, *only)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// enter runs this program again in new mount and network namespaces.
func enter() error {
	if os.Geteuid() != 0 {
		return errors.New("needs root to run containers")
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	return cmd.Run()
}

func bench(rounds int, only string) error {
	lab, err := newLab()
	if err != nil {
		return err
	}
	defer lab.close()
	peers := findPeers(lab)
	defer func() {
		for _, p := range peers {
			if p.close != nil {
				p.close()
			}
		}
	}()
	t := newTable(peers)
	for _, row := range rows(lab, rounds) {
		if only == "" || row.matches(only) {
			t.print(row, measure(row, peers))
		}
	}
	return nil
}
