// Command bench measures Gantry beside whatever peers are installed (docker,
// podman, runc, crun), in one run and in turns, and prints medians with the
// ratio to the best peer. It judges nothing and touches neither the machine's
// own network nor anybody's store: it works in namespaces and folders of its
// own.
package main

import (
	"flag"
	"fmt"
	"os"

	"gantry/internal/sandbox"
)

func main() {
	rounds := flag.Int("n", 10, "rounds of each row; pulls take half")
	only := flag.String("only", "", "measure only rows whose name contains this")
	flag.Parse()
	if !sandbox.Inside() {
		os.Exit(sandbox.Run())
	}
	if err := bench(*rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
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
