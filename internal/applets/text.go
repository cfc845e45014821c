package applets

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func head(c *call) int {
	opts, names, err := flags("n:c:q", digits(c.args))
	if err != nil {
		return c.usage("%v", err)
	}
	n, err := strconv.ParseInt(opts.or('c', opts.or('n', "10")), 10, 64)
	if err != nil || n < 0 {
		return c.usage("invalid number %q", opts.or('c', opts['n']))
	}
	first := true
	return c.each(names, func(name string, r io.Reader) error {
		c.header(name, len(names), &first, opts)
		if opts.has('c') {
			_, err := io.CopyN(c.out, r, n)
			return ignoreEOF(err)
		}
		left := n
		if left == 0 {
			return nil
		}
		return c.lines(r, func(line string) bool {
			c.println(line)
			left--
			return left > 0
		})
	})
}

// header names the file when there are several.
func (c *call) header(name string, files int, first *bool, opts options) {
	if files < 2 || opts.has('q') {
		return
	}
	if !*first {
		c.println()
	}
	*first = false
	c.printf("==> %s <==\n", name)
}

func tail(c *call) int {
	opts, names, err := flags("n:c:qf", digits(c.args))
	if err != nil {
		return c.usage("%v", err)
	}
	arg := opts.or('c', opts.or('n', "10"))
	n, err := strconv.ParseInt(strings.TrimPrefix(arg, "+"), 10, 64)
	if err != nil || n < 0 {
		return c.usage("invalid number %q", arg)
	}
	first := true
	return c.each(names, func(name string, r io.Reader) error {
		c.header(name, len(names), &first, opts)
		if err := c.tailOf(r, n, strings.HasPrefix(arg, "+"), opts.has('c')); err != nil || !opts.has('f') {
			return err
		}
		return c.follow(r)
	})
}

func (c *call) tailOf(r io.Reader, n int64, from, bytewise bool) error {
	if bytewise {
		data, err := io.ReadAll(r)
		switch {
		case from:
			data = data[min(max(n-1, 0), int64(len(data))):]
		default:
			data = data[max(0, int64(len(data))-n):]
		}
		_, _ = c.out.Write(data)
		return err
	}
	if from {
		i := int64(0)
		return c.lines(r, func(line string) bool {
			if i++; i >= n {
				c.println(line)
			}
			return true
		})
	}
	var last []string
	err := c.lines(r, func(line string) bool {
		if last = append(last, line); int64(len(last)) > n {
			last = last[1:]
		}
		return true
	})
	for _, line := range last {
		c.println(line)
	}
	return err
}

// follow writes what is appended to r until the call is cancelled.
func (c *call) follow(r io.Reader) error {
	for !c.stopped() {
		if _, err := io.Copy(c.out, r); err != nil {
			return err
		}
		_ = c.out.Flush()
		select {
		case <-c.ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

func wc(c *call) int {
	opts, names, err := flags("lwcm", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	if len(opts) == 0 {
		opts = options{'l': "", 'w': "", 'c': ""}
	}
	var sum [4]int64
	show := func(n [4]int64, name string) {
		var cols []string
		for i, letter := range []byte("lwmc") {
			if opts.has(letter) {
				cols = append(cols, strconv.FormatInt(n[i], 10))
			}
		}
		if name != "" && name != "-" {
			cols = append(cols, name)
		}
		c.println(strings.Join(cols, " "))
	}
	code := c.each(names, func(name string, r io.Reader) error {
		n, err := count(r)
		for i := range sum {
			sum[i] += n[i]
		}
		show(n, name)
		return err
	})
	if len(names) > 1 {
		show(sum, "total")
	}
	return code
}

// count returns lines, words, characters and bytes.
func count(r io.Reader) (n [4]int64, err error) {
	br := bufio.NewReader(r)
	inWord := false
	for {
		ch, size, err := br.ReadRune()
		if err != nil {
			return n, ignoreEOF(err)
		}
		n[2]++
		n[3] += int64(size)
		if ch == '\n' {
			n[0]++
		}
		space := unicode.IsSpace(ch)
		if !space && !inWord {
			n[1]++
		}
		inWord = !space
	}
}

func cut(c *call) int {
	opts, names, err := flags("d:f:c:b:s", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	sep := opts.or('d', "\t")
	list := opts.or('f', opts.or('c', opts['b']))
	keep, err := ranges(list)
	if err != nil {
		return c.usage("%v", err)
	}
	return c.each(names, func(_ string, r io.Reader) error {
		return c.lines(r, func(line string) bool {
			if !opts.has('f') {
				var b strings.Builder
				for i, ch := range []rune(line) {
					if keep(i + 1) {
						b.WriteRune(ch)
					}
				}
				c.println(b.String())
				return true
			}
			if !strings.Contains(line, sep) {
				if !opts.has('s') {
					c.println(line)
				}
				return true
			}
			var kept []string
			for i, field := range strings.Split(line, sep) {
				if keep(i + 1) {
					kept = append(kept, field)
				}
			}
			c.println(strings.Join(kept, sep))
			return true
		})
	})
}

// ranges parses a list such as 1,3-5,7-.
func ranges(list string) (func(int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for _, part := range strings.Split(list, ",") {
		a, b, dash := strings.Cut(part, "-")
		s := span{1, 1 << 30}
		var err error
		if a != "" {
			if s.from, err = strconv.Atoi(a); err != nil || s.from < 1 {
				return nil, fmt.Errorf("invalid list %q", list)
			}
		}
		switch {
		case !dash:
			s.to = s.from
		case b != "":
			if s.to, err = strconv.Atoi(b); err != nil {
				return nil, fmt.Errorf("invalid list %q", list)
			}
		}
		if part == "" || part == "-" {
			return nil, fmt.Errorf("invalid list %q", list)
		}
		spans = append(spans, s)
	}
	return func(n int) bool {
		for _, s := range spans {
			if n >= s.from && n <= s.to {
				return true
			}
		}
		return false
	}, nil
}

func uniq(c *call) int {
	opts, names, err := flags("cdui", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	var last string
	n := 0
	emit := func() {
		if n == 0 || opts.has('d') && n < 2 || opts.has('u') && n > 1 {
			return
		}
		if opts.has('c') {
			c.printf("%7d ", n)
		}
		c.println(last)
	}
	same := func(a, b string) bool { return a == b || opts.has('i') && strings.EqualFold(a, b) }
	code := c.each(names, func(_ string, r io.Reader) error {
		return c.lines(r, func(line string) bool {
			if n > 0 && same(line, last) {
				n++
				return true
			}
			emit()
			last, n = line, 1
			return true
		})
	})
	emit()
	return code
}

func tee(c *call) int {
	opts, names, err := flags("a", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if opts.has('a') {
		mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	code := 0
	outs := []io.Writer{prompt{c}}
	for _, name := range names {
		f, err := os.OpenFile(c.path(name), mode, 0o666)
		if err != nil {
			code = c.fail("%s: %v", name, why(err))
			continue
		}
		defer f.Close()
		outs = append(outs, f)
	}
	if _, err := io.Copy(io.MultiWriter(outs...), c.in); err != nil {
		return c.fail("%v", why(err))
	}
	return code
}

func yes(c *call) int {
	word := "y"
	if len(c.args) > 0 {
		word = strings.Join(c.args, " ")
	}
	for !c.stopped() {
		c.println(word)
	}
	return 0
}
