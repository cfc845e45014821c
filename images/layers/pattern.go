package layers

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gantry/internal/termsafe"
	"gantry/store"
)

// matcher finds a pattern in paths or lines. It is made once for many.
type matcher struct {
	p      Pattern
	all    bool // an empty pattern
	fold   bool // paths are compared in lower case
	text   []byte
	re     *regexp.Regexp
	dfa    *dfa   // the same for paths, nil: re has to do
	needed []byte // what every match of re has in it
	buf    []byte
}

// compile checks a pattern. Capitals in it make case count.
func compile(p Pattern) (*matcher, error) {
	m := &matcher{p: p, all: p.Text == "", fold: strings.IndexFunc(p.Text, unicode.IsUpper) < 0}
	m.text = []byte(p.Text)
	if p.Match != Regexp || m.all {
		return m, nil
	}
	tree, err := syntax.Parse(p.Text, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %s: %w", termsafe.Line(p.Text), why(err), store.ErrInvalid)
	}
	m.fold = false // (?i) is there for who wants it
	tree = tree.Simplify()
	m.needed, m.dfa = []byte(needed(tree)), newDFA(tree)
	m.re, err = regexp.Compile(p.Text)
	return m, err
}

func why(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return string(e.Code)
	}
	return err.Error()
}

// needed returns the longest text that must be in every match.
func needed(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return ""
		}
		return string(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpConcat:
		best := ""
		for _, sub := range re.Sub {
			if s := needed(sub); len(s) > len(best) {
				best = s
			}
		}
		return best
	}
	return ""
}

// match reports whether the text matches, and for Fuzzy how well.
func (m *matcher) match(s []byte) (int, bool) {
	if m.all {
		return 0, true
	}
	if m.re != nil {
		if len(m.needed) > 0 && !bytes.Contains(s, m.needed) {
			return 0, false
		}
		return 0, m.re.Match(s)
	}
	if m.fold {
		s = m.lower(s)
	}
	if m.p.Match == Fuzzy {
		return fuzzy(m.text, s)
	}
	return 0, bytes.Contains(s, m.text)
}

// lower returns s in lower case, without an allocation for ASCII.
func (m *matcher) lower(s []byte) []byte {
	m.buf = append(m.buf[:0], s...)
	for i, c := range m.buf {
		if c >= utf8.RuneSelf {
			return bytes.ToLower(s)
		}
		if 'A' <= c && c <= 'Z' {
			m.buf[i] = c + 'a' - 'A'
		}
	}
	return m.buf
}

// fuzzy finds the letters of want in s in order, from the end, so that the last
// part of a path counts first. Runs, and letters at the start of a word, score.
func fuzzy(want, s []byte) (score int, ok bool) {
	i := len(want) - 1
	last := -1
	for j := len(s) - 1; j >= 0 && i >= 0; j-- {
		if s[j] != want[i] {
			continue
		}
		score++
		if last == j+1 {
			score += 4
		}
		if j == 0 || bytes.IndexByte([]byte("/._- "), s[j-1]) >= 0 {
			score += 6
		}
		if bytes.IndexByte(s[j:], '/') < 0 {
			score += 3
		}
		last = j
		i--
	}
	return score*100 - len(s), i < 0
}

// walker builds the path of one node after the other, in their order.
type walker struct {
	x    *Index
	buf  []byte
	ends []int // by depth
}

func newWalker(x *Index) *walker { return &walker{x: x, ends: make([]int, 1, 32)} }

// match applies m to the path of n; calls are as those of path.
func (w *walker) match(m *matcher, n int32) (int, bool) {
	path := w.path(n)
	if m.dfa != nil {
		nd := &w.x.nodes[n]
		if matched, ok := m.dfa.match(w.x.text[nd.name:nd.name+uint32(nd.size)], int(nd.depth)); ok {
			return 0, matched
		}
	}
	return m.match(path)
}

// path returns the path of n, valid until the next call. Calls go up from the
// root without leaving any out, or skip whole trees.
func (w *walker) path(n int32) []byte {
	nd := &w.x.nodes[n]
	if nd.depth == 0 {
		return nil
	}
	w.buf = w.buf[:w.ends[nd.depth-1]]
	if nd.depth > 1 {
		w.buf = append(w.buf, '/')
	}
	w.buf = append(w.buf, w.x.text[nd.name:nd.name+uint32(nd.size)]...)
	w.ends = append(w.ends[:nd.depth], len(w.buf))
	return w.buf
}

// Find returns at most limit paths that match, best first for Fuzzy and else
// in tree order.
func (x *Index) Find(p Pattern, limit int) ([]Hit, error) {
	m, err := compile(p)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	w := newWalker(x)
	for n := int32(1); n < int32(len(x.nodes)); n++ {
		score, ok := w.match(m, n)
		if !ok {
			continue
		}
		if p.Match != Fuzzy && len(hits) == limit {
			break
		}
		hits = append(hits, x.hit(n, string(w.buf), score))
	}
	if p.Match == Fuzzy {
		slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) })
	}
	return hits[:min(limit, len(hits))], nil
}

func (x *Index) hit(n int32, path string, score int) Hit {
	h := Hit{Path: path, Kind: Gone, Score: score}
	i := x.top(n)
	for i > int32(x.nodes[n].first) && x.versions[i].marks&implied != 0 {
		i--
	}
	h.Layer = x.stack[x.versions[i].layer]
	s, live := x.state(n, len(x.stack)-1)
	if !live {
		s, live = x.state(n, int(x.versions[i].layer))
		if live && x.versions[i].died >= 0 {
			h.Layer = x.stack[x.versions[i].died]
		}
		live = false
	} else {
		h.Live = true
	}
	if h.Live || s.content > 0 {
		v := &x.versions[s.content]
		h.Kind, h.Size = kindOf(v.typ), v.size
	}
	return h
}

// folded is lower where case does not count.
func (m *matcher) folded(s []byte) []byte {
	if m.fold {
		return m.lower(s)
	}
	return s
}
