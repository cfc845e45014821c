package viewer

import (
	"bytes"
	"fmt"
	"slices"

	"gantry/ui/theme"
	"gantry/ui/widget"
)

// largestDiff is the longest text whose lines are compared, and mostEdits how
// many changed lines are told apart; beyond that a stretch is shown as replaced.
const (
	largestDiff = 2 << 20
	mostEdits   = 1200
	around      = 3 // unchanged lines around a change
)

// edit is one line of a comparison.
type edit struct {
	op       byte // ' ', '-' or '+'
	old, new int  // line numbers from 0
}

// Diff shows what changed from one version of a file to the next.
func Diff(before, after File) (Page, error) {
	p := Page{Kind: Text, Note: "diff"}
	if before.Size > largestDiff || after.Size > largestDiff {
		p.field("", fmt.Sprintf("files above %s are not compared line by line", widget.Size(largestDiff)))
		return p, nil
	}
	a, err := read(before, 0, largestDiff)
	if err != nil {
		return p, err
	}
	b, err := read(after, 0, largestDiff)
	if err != nil {
		return p, err
	}
	if binary(a[:min(len(a), sniffed)]) || binary(b[:min(len(b), sniffed)]) {
		p.compareBytes(a, b)
		return p, nil
	}
	old, fresh := split(a), split(b)
	p.hunks(old, fresh, compare(old, fresh))
	return p, nil
}

func split(data []byte) [][]byte {
	var lines [][]byte
	for line := range bytes.Lines(data) {
		lines = append(lines, line)
	}
	return lines
}

// compareBytes says where two files that are not text part.
func (p *Page) compareBytes(a, b []byte) {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	p.field("", "not text; the bytes differ from here on")
	at -= at % bytesInLine
	const lines = 8
	for _, side := range []struct {
		sign string
		role theme.Role
		data []byte
	}{{"-", theme.Removed, a}, {"+", theme.Added, b}} {
		p.add(nil)
		for i := at; i < min(len(side.data), at+lines*bytesInLine); i += bytesInLine {
			line := hexLine(int64(i), side.data[i:min(len(side.data), i+bytesInLine)])
			p.add(append(widget.TextLine{{Text: side.sign + " ", Role: side.role}}, line...))
		}
	}
}

// hunks shows the changes with a few lines around each.
func (p *Page) hunks(old, fresh [][]byte, edits []edit) {
	near := make([]bool, len(edits))
	changed := 0
	for i, e := range edits {
		if e.op == ' ' {
			continue
		}
		changed++
		for j := max(0, i-around); j <= min(len(edits)-1, i+around); j++ {
			near[j] = true
		}
	}
	if changed == 0 {
		p.field("", "the content is the same")
		return
	}
	for i, e := range edits {
		if !near[i] {
			continue
		}
		if i == 0 || !near[i-1] {
			if len(p.Lines) > 0 {
				p.add(nil)
			}
			p.add(widget.TextLine{{Text: fmt.Sprintf("@@ line %d", max(e.old, e.new)+1), Role: theme.Keyword}})
		}
		p.add(diffLine(e, old, fresh))
	}
}

func diffLine(e edit, old, fresh [][]byte) widget.TextLine {
	oldNo, newNo, role := fmt.Sprintf("%5d", e.old+1), fmt.Sprintf("%5d", e.new+1), theme.Plain
	var text []byte
	switch e.op {
	case '-':
		newNo, role, text = "     ", theme.Removed, old[e.old]
	case '+':
		oldNo, role, text = "     ", theme.Added, fresh[e.new]
	default:
		text = fresh[e.new]
	}
	shown := clean(cut(string(bytes.TrimRight(text, "\r\n")), longest))
	return widget.TextLine{{Text: oldNo + " " + newNo + " ", Role: theme.Muted}, {Text: string(e.op) + " " + shown, Role: role}}
}

// compare lists the edits that lead from a to b: what both begin and end with,
// and the shortest way between.
func compare(a, b [][]byte) []edit {
	head := 0
	for head < len(a) && head < len(b) && bytes.Equal(a[head], b[head]) {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && bytes.Equal(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	var out []edit
	for i := range head {
		out = append(out, edit{' ', i, i})
	}
	for _, e := range middle(a[head:len(a)-tail], b[head:len(b)-tail]) {
		out = append(out, edit{e.op, e.old + head, e.new + head})
	}
	for i := range tail {
		out = append(out, edit{' ', len(a) - tail + i, len(b) - tail + i})
	}
	return out
}

// middle is Myers' greedy algorithm: after d edits, far[k] is how far into a
// the diagonal k = x-y is reached. The ways there are kept to walk back.
func middle(a, b [][]byte) []edit {
	limit := min(len(a)+len(b), mostEdits)
	far := make([]int, 2*limit+3)
	at := func(k int) *int { return &far[k+limit+1] }
	var ways [][]int
	for d := 0; d <= limit; d++ {
		ways = append(ways, append([]int(nil), far[limit+1-d:limit+2+d]...))
		for k := -d; k <= d; k += 2 {
			x := *at(k - 1) + 1
			if k == -d || k != d && *at(k - 1) < *at(k + 1) {
				x = *at(k + 1)
			}
			for x < len(a) && x-k >= 0 && x-k < len(b) && bytes.Equal(a[x], b[x-k]) {
				x++
			}
			*at(k) = x
			if x >= len(a) && x-k >= len(b) {
				return walkBack(ways, len(a), len(b))
			}
		}
	}
	return replace(a, b)
}

// walkBack follows the ways from the end to the start. ways[d] holds far[-d:d]
// as it was before step d.
func walkBack(ways [][]int, x, y int) []edit {
	var out []edit
	for d := len(ways) - 1; d >= 0; d-- {
		before := func(k int) int {
			if i := k + d; i >= 0 && i < len(ways[d]) {
				return ways[d][i]
			}
			return -1
		}
		k := x - y
		from := k - 1
		if k == -d || k != d && before(k-1) < before(k+1) {
			from = k + 1
		}
		startX := before(from)
		startY := startX - from
		if d == 0 {
			startX, startY = 0, 0
		}
		for x > startX && y > startY {
			x, y = x-1, y-1
			out = append(out, edit{' ', x, y})
		}
		switch {
		case d == 0:
		case from == k+1:
			y--
			out = append(out, edit{'+', x, y})
		default:
			x--
			out = append(out, edit{'-', x, y})
		}
	}
	slices.Reverse(out)
	return out
}

// replace is the comparison of texts that have too little in common.
func replace(a, b [][]byte) []edit {
	var out []edit
	for i := range a {
		out = append(out, edit{'-', i, 0})
	}
	for i := range b {
		out = append(out, edit{'+', len(a), i})
	}
	return out
}
