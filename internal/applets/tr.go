package applets

import (
	"bufio"
	"strings"
	"unicode/utf8"
)

func tr(c *call) int {
	opts, sets, err := flags("dsc", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	if len(sets) == 0 || len(sets) < 2 && !opts.has('d') && !opts.has('s') {
		return c.usage("two sets of characters are needed")
	}
	from := expandSet(sets[0])
	var to []rune
	if len(sets) > 1 {
		to = expandSet(sets[1])
	}
	in := func(set []rune, ch rune) int {
		for i, s := range set {
			if s == ch {
				return i
			}
		}
		return -1
	}
	squeeze := to
	if len(sets) == 1 {
		squeeze = from
	}
	r := bufio.NewReader(c.in)
	last := rune(-1)
	for !c.stopped() {
		ch, _, err := r.ReadRune()
		if err != nil {
			break
		}
		i := in(from, ch)
		if opts.has('c') {
			if i = -1; in(from, ch) < 0 {
				i = utf8.MaxRune
			}
		}
		if i >= 0 && opts.has('d') {
			continue
		}
		if i >= 0 && len(to) > 0 {
			ch = to[min(i, len(to)-1)]
		}
		if opts.has('s') && ch == last && (in(squeeze, ch) >= 0) != (opts.has('c') && len(sets) == 1) {
			continue
		}
		last = ch
		_, _ = c.out.WriteRune(ch)
	}
	return 0
}

// expandSet expands ranges, escapes and the common classes of a tr set.
func expandSet(s string) []rune {
	for class, chars := range map[string]string{
		"[:lower:]": "a-z", "[:upper:]": "A-Z", "[:digit:]": "0-9",
		"[:alpha:]": "A-Za-z", "[:alnum:]": "0-9A-Za-z", "[:space:]": " \t\n\v\f\r", "[:blank:]": " \t",
		`\n`: "\n", `\t`: "\t", `\r`: "\r", `\\`: `\`, `\0`: "\x00",
	} {
		s = strings.ReplaceAll(s, class, chars)
	}
	in := []rune(s)
	var set []rune
	for i := 0; i < len(in); i++ {
		if i+2 < len(in) && in[i+1] == '-' && in[i+2] >= in[i] {
			for ch := in[i]; ch <= in[i+2]; ch++ {
				set = append(set, ch)
			}
			i += 2
			continue
		}
		set = append(set, in[i])
	}
	return set
}
