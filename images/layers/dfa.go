package layers

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// dfa runs a regular expression over a tree of paths. Unlike package regexp it
// can go on from where the path of the directory left it, so each name is read
// once, however deep it lies. Its states are made as they are reached.
type dfa struct {
	prog   *syntax.Prog
	states map[string]*state
	first  *state
	path   []*state // by depth
}

// state is where in the expression one may be after some text.
type state struct {
	pcs   []uint32 // what may read the next rune, or needs the end of the text
	hit   bool     // a match lies behind
	end   bool     // there is a match if the text ends here
	ascii [utf8.RuneSelf]*state
}

// maxStates bounds memory. Expressions that need more are left to package
// regexp.
const maxStates = 2000

// newDFA returns nil for an expression it does not do: those that look at word
// or line boundaries.
func newDFA(re *syntax.Regexp) *dfa {
	prog, err := syntax.Compile(re)
	if err != nil {
		return nil
	}
	for _, in := range prog.Inst {
		if in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return nil
		}
	}
	d := &dfa{prog: prog, states: map[string]*state{}}
	d.first = d.state(d.close(nil, uint32(prog.Start), true))
	d.path = []*state{d.first}
	return d
}

// close adds to pcs what pc leads to without reading.
func (d *dfa) close(pcs []uint32, pc uint32, begin bool) []uint32 {
	if slices.Contains(pcs, pc) {
		return pcs
	}
	in := &d.prog.Inst[pc]
	switch in.Op {
	case syntax.InstFail:
		return pcs
	case syntax.InstEmptyWidth:
		if syntax.EmptyOp(in.Arg)&syntax.EmptyBeginText != 0 && !begin {
			return pcs
		}
	}
	pcs = append(pcs, pc)
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return d.close(d.close(pcs, in.Out, begin), in.Arg, begin)
	case syntax.InstCapture, syntax.InstNop:
		return d.close(pcs, in.Out, begin)
	case syntax.InstEmptyWidth:
		if syntax.EmptyOp(in.Arg)&syntax.EmptyEndText == 0 {
			return d.close(pcs, in.Out, begin)
		}
	}
	return pcs
}

// state returns the one state for a set, nil when there are too many.
func (d *dfa) state(pcs []uint32) *state {
	slices.Sort(pcs)
	key := make([]byte, 0, 4*len(pcs))
	for _, pc := range pcs {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	if s, ok := d.states[string(key)]; ok {
		return s
	}
	if len(d.states) >= maxStates {
		return nil
	}
	s := &state{pcs: pcs}
	for _, pc := range pcs {
		s.hit = s.hit || d.prog.Inst[pc].Op == syntax.InstMatch
		s.end = s.end || d.ends(pc, len(d.prog.Inst))
	}
	d.states[string(key)] = s
	return s
}

// ends reports whether pc leads to a match when the text ends here.
func (d *dfa) ends(pc uint32, steps int) bool {
	in := &d.prog.Inst[pc]
	switch {
	case in.Op == syntax.InstMatch:
		return true
	case steps == 0:
		return false
	case in.Op == syntax.InstAlt, in.Op == syntax.InstAltMatch:
		return d.ends(in.Out, steps-1) || d.ends(in.Arg, steps-1)
	case in.Op == syntax.InstCapture, in.Op == syntax.InstNop:
		return d.ends(in.Out, steps-1)
	case in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&syntax.EmptyBeginText == 0:
		return d.ends(in.Out, steps-1)
	}
	return false
}

func (d *dfa) step(s *state, r rune) *state {
	if s == nil || s.hit {
		return s
	}
	if r < utf8.RuneSelf && s.ascii[r] != nil {
		return s.ascii[r]
	}
	var next []uint32
	for _, pc := range s.pcs {
		if in := &d.prog.Inst[pc]; reads(in.Op) && in.MatchRune(r) {
			next = d.close(next, in.Out, false)
		}
	}
	next = d.close(next, uint32(d.prog.Start), false) // a match may begin anywhere
	to := d.state(next)
	if r < utf8.RuneSelf {
		s.ascii[r] = to
	}
	return to
}

func reads(op syntax.InstOp) bool {
	switch op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

// match reads one more name, of a node at a depth from 1. ok is false when
// there are too many states to say.
func (d *dfa) match(name []byte, depth int) (matched, ok bool) {
	s := d.path[depth-1]
	if depth > 1 {
		s = d.step(s, '/')
	}
	for i := 0; i < len(name); {
		r, size := rune(name[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(name[i:])
		}
		s = d.step(s, r)
		i += size
	}
	d.path = append(d.path[:depth], s)
	return s != nil && (s.hit || s.end), s != nil
}
