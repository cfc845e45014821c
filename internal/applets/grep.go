package applets

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// grep prints lines that match an RE2 expression. Exit code 0: some line was
// selected, 1: none, 2: an error.
func grep(c *call) int {
	opts, rest, err := flags("ivnrRcEFqlhHowxe:s", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	pattern, ok := opts['e']
	if !ok {
		if len(rest) == 0 {
			return c.usage("a pattern is needed")
		}
		pattern, rest = rest[0], rest[1:]
	}
	re, err := grepExpr(pattern, opts)
	if err != nil {
		return c.usage("%v", err)
	}
	g := &grepper{call: c, opts: opts, re: re}
	recursive := opts.has('r') || opts.has('R')
	if recursive && len(rest) == 0 {
		rest = []string{"."}
	}
	g.named = (len(rest) > 1 || recursive || opts.has('H')) && !opts.has('h')
	if recursive {
		rest = g.walk(rest)
		if len(rest) == 0 {
			return 1
		}
	}
	bad := c.each(rest, g.file)
	switch {
	case g.found && (bad == 0 || opts.has('q')):
		return 0
	case bad != 0:
		return 2
	}
	return 1
}

// grepExpr translates a pattern for RE2. Without -E, the operators that basic
// expressions write with a backslash change places with the plain characters.
func grepExpr(pattern string, opts options) (*regexp.Regexp, error) {
	switch {
	case opts.has('F'):
		pattern = regexp.QuoteMeta(pattern)
	case !opts.has('E'):
		var b strings.Builder
		for i := 0; i < len(pattern); i++ {
			ch := pattern[i]
			switch {
			case ch == '\\' && i+1 < len(pattern):
				i++
				if !strings.ContainsRune("(){}|+?", rune(pattern[i])) {
					b.WriteByte('\\')
				}
				b.WriteByte(pattern[i])
			case strings.ContainsRune("(){}|+?", rune(ch)):
				b.WriteByte('\\')
				b.WriteByte(ch)
			default:
				b.WriteByte(ch)
			}
		}
		pattern = b.String()
	}
	if opts.has('w') {
		pattern = `\b(?:` + pattern + `)\b`
	}
	if opts.has('x') {
		pattern = `^(?:` + pattern + `)$`
	}
	if opts.has('i') {
		pattern = "(?i)" + pattern
	}
	return regexp.Compile(pattern)
}

type grepper struct {
	*call
	opts  options
	re    *regexp.Regexp
	named bool // lines carry their file's name
	found bool
}

// walk replaces directories by the files below them.
func (g *grepper) walk(names []string) []string {
	var files []string
	for _, name := range names {
		root := g.path(name)
		_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err == nil && (d.Type().IsRegular() || p == root && !d.IsDir()) {
				rel, _ := filepath.Rel(root, p)
				files = append(files, filepath.Join(name, rel))
			} else if err != nil && p == root {
				files = append(files, name) // reported when opened
			}
			return nil
		})
	}
	return files
}

func (g *grepper) file(name string, r io.Reader) error {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return &fs.PathError{Op: "read", Path: name, Err: errIsDir}
		}
	}
	label := name
	if name == "-" {
		label = "(standard input)"
	}
	n, hits := 0, 0
	err := g.lines(r, func(line string) bool {
		n++
		if g.re.MatchString(line) == g.opts.has('v') {
			return true
		}
		hits++
		g.found = true
		if g.opts.has('q') || g.opts.has('l') {
			return false
		}
		if !g.opts.has('c') {
			g.show(label, n, line)
		}
		return true
	})
	switch {
	case g.opts.has('l') && hits > 0:
		g.println(label)
	case g.opts.has('c') && !g.opts.has('q'):
		if g.named {
			g.printf("%s:", label)
		}
		g.println(hits)
	}
	return err
}

func (g *grepper) show(label string, n int, line string) {
	parts := []string{line}
	if g.opts.has('o') {
		parts = g.re.FindAllString(line, -1)
	}
	for _, part := range parts {
		if g.named {
			g.printf("%s:", label)
		}
		if g.opts.has('n') {
			g.printf("%d:", n)
		}
		g.println(part)
	}
}
