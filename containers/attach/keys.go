package attach

import "strings"

// detector finds the detach sequence in a stream of keys. Keys that may be the
// beginning of it are held back until the next key, or until the caller's
// timer runs out and calls expire.
//
// A sequence of one key gives that key twice to the program as once: it is
// held too, and detaches when something else, or nothing, follows.
type detector struct {
	keys []byte
	held int // keys matched and not forwarded
}

// feed appends what may be forwarded to out and reports whether the caller
// asked to leave; what follows in p is then dropped.
func (d *detector) feed(out, p []byte) (forward []byte, detach bool) {
	if len(d.keys) == 0 {
		return append(out, p...), false
	}
	for _, c := range p {
		if len(d.keys) == 1 {
			if out, detach = d.single(out, c); detach {
				return out, true
			}
			continue
		}
		// A mismatch gives up the held keys one by one: the sequence may begin
		// anew inside them.
		for d.held > 0 && c != d.keys[d.held] {
			out = d.giveUpOne(out)
		}
		if c != d.keys[d.held] {
			out = append(out, c)
			continue
		}
		if d.held++; d.held == len(d.keys) {
			d.held = 0
			return out, true
		}
	}
	return out, false
}

func (d *detector) single(out []byte, c byte) ([]byte, bool) {
	switch {
	case d.held == 0 && c == d.keys[0]:
		d.held = 1
		return out, false
	case d.held == 0:
		return append(out, c), false
	case c == d.keys[0]:
		d.held = 0
		return append(out, c), false
	}
	return out, true
}

// giveUpOne forwards held keys until what is left is again a prefix.
func (d *detector) giveUpOne(out []byte) []byte {
	held := d.keys[:d.held]
	for n := 1; ; n++ {
		if strings.HasPrefix(string(d.keys), string(held[n:])) {
			d.held -= n
			return append(out, held[:n]...)
		}
	}
}

// expire ends the wait for a next key: the keys of an unfinished sequence go
// to the program, a single detach key leaves.
func (d *detector) expire(out []byte) (forward []byte, detach bool) {
	held := d.keys[:d.held]
	d.held = 0
	if len(d.keys) == 1 && len(held) == 1 {
		return out, true
	}
	return append(out, held...), false
}
