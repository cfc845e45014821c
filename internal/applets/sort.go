package applets

import (
	"io"
	"sort"
	"strconv"
	"strings"
)

func sortLines(c *call) int {
	opts, names, err := flags("nrufbt:k:", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	from, to, keyFlags, err := sortKey(opts['k'])
	if err != nil {
		return c.usage("%v", err)
	}
	numeric := opts.has('n') || strings.ContainsRune(keyFlags, 'n')
	reverse := opts.has('r') || strings.ContainsRune(keyFlags, 'r')
	key := func(line string) string {
		if from > 0 {
			line = fields(line, opts['t'], from, to)
		}
		if opts.has('f') {
			line = strings.ToUpper(line)
		}
		return line
	}
	compare := func(a, b string) int {
		a, b = key(a), key(b)
		if numeric {
			x, y := leadingNumber(a), leadingNumber(b)
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
		return strings.Compare(a, b)
	}
	var lines []string
	code := c.each(names, func(_ string, r io.Reader) error {
		return c.lines(r, func(line string) bool {
			lines = append(lines, line)
			return true
		})
	})
	sort.SliceStable(lines, func(i, j int) bool {
		n := compare(lines[i], lines[j])
		if n == 0 && !opts.has('u') {
			n = strings.Compare(lines[i], lines[j])
		}
		return n < 0 != reverse && n != 0
	})
	for i, line := range lines {
		if i > 0 && opts.has('u') && compare(line, lines[i-1]) == 0 {
			continue
		}
		c.println(line)
	}
	return code
}

// sortKey parses from[,to] with trailing letters, such as 2,2n.
func sortKey(s string) (from, to int, letters string, err error) {
	if s == "" {
		return 0, 0, "", nil
	}
	end := strings.TrimRight(s, "nrfb")
	letters = s[len(end):]
	a, b, ranged := strings.Cut(end, ",")
	a = strings.TrimRight(a, "nrfb")
	if from, err = strconv.Atoi(a); err != nil || from < 1 {
		return 0, 0, "", strconv.ErrSyntax
	}
	if !ranged {
		return from, 1 << 30, letters, nil
	}
	to, err = strconv.Atoi(b)
	return from, to, letters, err
}

func fields(line, sep string, from, to int) string {
	var parts []string
	if sep == "" {
		parts, sep = strings.Fields(line), " "
	} else {
		parts = strings.Split(line, sep)
	}
	if from > len(parts) {
		return ""
	}
	return strings.Join(parts[from-1:min(to, len(parts))], sep)
}

func leadingNumber(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' || end == 0 && s[end] == '-') {
		end++
	}
	n, _ := strconv.ParseFloat(s[:end], 64)
	return n
}
