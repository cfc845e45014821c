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
	"path/filepath"
	"slices"

	"gantry/internal/sandbox"
)

func main() {
	out := flag.String("o", "screenshots", "folder to write the pictures to")
	flag.Parse()
	if !sandbox.Inside() {
		os.Exit(sandbox.Run())
	}
	if err := takeAll(*out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func takeAll(out string) error {
	if err := sandbox.Prepare(); err != nil {
		return err
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
	if err != nil {
		return err
	}
	if len(scenes) == 0 {
		return errors.New("no scenes in screenshots/scenes: run from the top folder")
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
