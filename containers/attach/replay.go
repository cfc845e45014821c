package attach

import "bytes"

// stripQueries removes from terminal output what a terminal answers to:
// replayed to a terminal, the answers would be typed into the program. An
// unfinished sequence at the end stays, because its rest is still to come.
func stripQueries(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := 1
		switch {
		case b[0] == 0x05: // ENQ
			b = b[1:]
			continue
		case b[0] == 0x1b && len(b) > 1:
			n = sequence(b)
			if query(b[:n]) {
				b = b[n:]
				continue
			}
		default:
			if i := bytes.IndexAny(b, "\x1b\x05"); i > 0 {
				n = i
			} else if i < 0 {
				n = len(b)
			}
		}
		out = append(out, b[:n]...)
		b = b[n:]
	}
	return out
}

// sequence returns the length of the escape sequence that b begins with.
func sequence(b []byte) int {
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			switch {
			case b[i] >= 0x40 && b[i] <= 0x7e:
				return i + 1
			case b[i] < 0x20 || b[i] > 0x7e:
				return i // not a sequence after all
			}
		}
		return len(b)
	case ']', 'P', '_', '^', 'X': // strings, ended by BEL (OSC only) or ST
		for i := 2; i < len(b); i++ {
			switch {
			case b[i] == 0x07 && b[1] == ']':
				return i + 1
			case b[i] == 0x1b && i+1 < len(b) && b[i+1] == '\\':
				return i + 2
			case b[i] == 0x1b && i+1 < len(b):
				return i // abandoned: another sequence begins
			}
		}
		return len(b)
	case 0x1b:
		return 1
	}
	return 2
}

func query(seq []byte) bool {
	if len(seq) < 3 {
		return len(seq) == 2 && seq[1] == 'Z' // DECID
	}
	switch seq[1] {
	case '[':
		return csiQuery(seq[2:len(seq)-1], seq[len(seq)-1])
	case ']':
		return oscQuery(seq[2:])
	case 'P': // DECRQSS, XTGETTCAP
		return bytes.HasPrefix(seq[2:], []byte("$q")) || bytes.HasPrefix(seq[2:], []byte("+q"))
	case '_': // kitty graphics acknowledge what they are sent
		return seq[2] == 'G'
	}
	return false
}

// csiQuery judges a control sequence by its parameters and final byte.
func csiQuery(params []byte, final byte) bool {
	prefix, inter := byte(0), byte(0)
	if len(params) > 0 && params[0] >= '<' && params[0] <= '?' {
		prefix = params[0]
	}
	if n := len(params); n > 0 && params[n-1] >= 0x20 && params[n-1] <= 0x2f {
		inter = params[n-1]
	}
	switch {
	case inter == '$':
		return final == 'p' || final == 'w' || final == 'u' // DECRQM, DECRQPSR, DECRQTSR
	case inter == '*':
		return final == 'y' // DECRQCRA
	case inter == '&':
		return final == 'u' // DECRQUPSS
	case inter != 0:
		return false
	}
	switch final {
	case 'n': // DSR; with '>' it sets a mode
		return prefix == 0 || prefix == '?'
	case 'c': // DA; with '?' it is Linux's cursor shape
		return prefix != '?'
	case 'q': // XTVERSION
		return prefix == '>'
	case 'u': // kitty keyboard flags
		return prefix == '?'
	case 'x': // DECREQTPARM
		return prefix == 0
	case 'S': // XTSMGRAPHICS
		return prefix == '?'
	case 't':
		return prefix == 0 && windowReport(params)
	}
	return false
}

// windowReport reports whether a window operation is one that answers.
func windowReport(params []byte) bool {
	op, _, _ := bytes.Cut(params, []byte(";"))
	switch string(op) {
	case "11", "13", "14", "15", "16", "18", "19", "20", "21":
		return true
	}
	return false
}

// oscQuery reports whether a parameter of an OSC is just "?".
func oscQuery(body []byte) bool {
	body = bytes.TrimRight(body, "\x07\x1b\\")
	for i, param := range bytes.Split(body, []byte(";")) {
		if i > 0 && string(param) == "?" {
			return true
		}
	}
	return false
}
