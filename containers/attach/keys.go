package attach

import (
	"fmt"
	"strings"
)

// ParseDetachKeys reads a detach sequence in Docker's grammar: keys separated
// by commas, each a single character, ctrl-<a letter or one of @[\]^_>, or
// DEL. The empty string is no sequence.
func ParseDetachKeys(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	var keys []byte
	for _, name := range strings.Split(s, ",") {
		key, ok := parseKey(name)
		if !ok {
			return nil, fmt.Errorf(`detach keys %q: unknown key %q: use a single character, ctrl-<a-z, @, [, \, ], ^ or _>, or DEL`, s, name)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseKey(name string) (byte, bool) {
	if len(name) == 1 {
		return name[0], name[0] < 0x80
	}
	if name == "DEL" {
		return 0x7f, true
	}
	c, ok := strings.CutPrefix(name, "ctrl-")
	if !ok || len(c) != 1 {
		return 0, false
	}
	switch {
	case c[0] >= 'a' && c[0] <= 'z':
		return c[0] - 'a' + 1, true
	case c[0] == '@' || c[0] >= '[' && c[0] <= '_':
		return c[0] & 0x1f, true
	}
	return 0, false
}

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
