// Command screenshots makes the README's pictures: it fills a throw-away store,
// runs the real binary in a real pseudo-terminal, plays the scenes beside it and
// writes what the terminal shows as SVG. Nothing is drawn by hand, and nothing
// of the machine's own store, network or mounts is touched.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideEnv marks the process that already stands in its own namespaces.
const insideEnv = "GANTRY_SHOTS_INSIDE"

func main() {
	out := flag.String("o", "screenshots", "folder to write the pictures to")
	flag.Parse()
	var err error
	if os.Getenv(insideEnv) == "" {
		err = enter()
	} else {
		err = takeAll(*out)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
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

func takeAll(out string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	bin := os.Getenv("GANTRY_BIN")
	if bin == "" {
		bin = "bin/gantry"
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	scenes, err := filepath.Glob("screenshots/scenes/*.scene")
	if err != nil || len(scenes) == 0 {
		return fmt.Errorf("no scenes in screenshots/scenes (run from the top folder): %w", err)
	}
	slices.Sort(scenes)
	st, err := newStage(bin)
	if err != nil {
		return err
	}
	defer st.strike()
	for _, path := range scenes {
		if err := play(path, st, out); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
