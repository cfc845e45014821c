package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// measure takes the row's rounds on each peer in turns, A B C A B C, after one
// round that does not count. It returns medians by peer; a peer that failed is
// left out with a line that says why.
func measure(r row, peers []*peer) map[*peer]float64 {
	samples := map[*peer][]float64{}
	var in []*peer
	for _, p := range peers {
		if p.pull == nil && !r.bare {
			continue
		}
		if r.before != nil {
			if err := r.before(p); err != nil {
				fmt.Fprintf(os.Stderr, "  %s: %s left out: %v\n", r.name, p.name, err)
				continue
			}
		}
		in = append(in, p)
	}
	for round := -1; round < r.rounds; round++ {
		in = slices.DeleteFunc(in, func(p *peer) bool {
			v, err := r.once(p)
			if err == nil && (round >= 0 || r.rounds == 1) {
				samples[p] = append(samples[p], v)
			}
			if err != nil && err != errOnlyGantry {
				fmt.Fprintf(os.Stderr, "  %s: %s left out: %v\n", r.name, p.name, err)
			}
			return err != nil
		})
	}
	medians := map[*peer]float64{}
	for p, s := range samples {
		slices.Sort(s)
		medians[p] = s[len(s)/2]
	}
	if r.after != nil {
		for _, p := range in {
			r.after(p)
		}
	}
	return medians
}

type table struct{ peers []*peer }

func newTable(peers []*peer) *table {
	t := &table{peers}
	fmt.Printf("%-22s", "median")
	for _, p := range peers {
		fmt.Printf(" %20s", p.name)
	}
	fmt.Printf(" %12s\n%s\n", "gantry/best", strings.Repeat("-", 22+21*len(peers)+13))
	return t
}

func (t *table) print(r row, medians map[*peer]float64) {
	fmt.Printf("%-22s", r.name)
	best := 0.0
	for _, p := range t.peers {
		v, ok := medians[p]
		if !ok {
			fmt.Printf(" %20s", "-")
			continue
		}
		fmt.Printf(" %17.1f %s", v, r.unit)
		if p != t.peers[0] && (best == 0 || v < best) {
			best = v
		}
	}
	own, ok := medians[t.peers[0]]
	if !ok || best == 0 {
		fmt.Printf(" %12s\n", "-")
		return
	}
	fmt.Printf(" %12.2f\n", own/best)
}
