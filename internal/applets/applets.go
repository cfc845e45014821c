// Package applets is a POSIX shell with the everyday utilities, all inside
// this binary: the programs of the image gantry/toolbox, and what a debug
// shell brings into an image that has none. A program is chosen by argv[0] or
// by the argument after "applet". It aims at what people type at a prompt, not
// at every option of GNU. Nothing here runs at import.
package applets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"golang.org/x/sys/unix"
)

// call is one run of a program. Programs use nothing of the process but this,
// so that the shell can run several at once in itself.
type call struct {
	ctx    context.Context
	name   string
	args   []string // without the name
	in     io.Reader
	out    *bufio.Writer
	err    io.Writer
	dir    string
	env    func(name string) (string, bool)
	enviro func() []string
}

// program returns its exit code.
type program func(*call) int

// Main runs the program name with args and returns its exit code: 127 when
// there is no such program.
func Main(name string, args []string) int {
	name = filepath.Base(name)
	if isShell(name) {
		return shellMain(name, args)
	}
	run, ok := find(name)
	if !ok {
		fmt.Fprintf(os.Stderr, "%s: no such program; there are: %v\n", name, Names())
		return 127
	}
	if os.Getpid() == 1 {
		obeySignals()
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	c := &call{
		ctx: context.Background(), name: name, args: args,
		in: os.Stdin, out: bufio.NewWriter(os.Stdout), err: os.Stderr,
		dir: dir, env: os.LookupEnv, enviro: os.Environ,
	}
	return c.run(run)
}

// Dispatch runs the program a command line names by argv[0], or by the word
// after gantry-toolbox or after "applet". It reports whether there was one.
func Dispatch(argv []string) (code int, ok bool) {
	name := filepath.Base(argv[0])
	named := len(argv) > 1 && (name == filepath.Base(toolbox) || argv[1] == "applet")
	switch {
	case named && argv[1] == "applet" && len(argv) > 2:
		return Main(argv[2], argv[3:]), true
	case named && argv[1] != "applet":
		return Main(argv[1], argv[2:]), true
	case Lookup(name):
		return Main(name, argv[1:]), true
	}
	return 0, false
}

// Lookup reports whether there is a program of that name.
func Lookup(name string) bool {
	_, ok := find(name)
	return ok || isShell(name)
}

// Names lists the programs in order.
func Names() []string {
	names := []string{"sh"}
	for _, e := range table() {
		names = append(names, e.name)
	}
	for name := range uroot() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func isShell(name string) bool { return name == "sh" || name == "-sh" || name == "ash" }

func find(name string) (program, bool) {
	for _, e := range table() {
		if e.name == name {
			return e.run, true
		}
	}
	if build, ok := uroot()[name]; ok {
		return func(c *call) int { return c.runCore(build()) }, true
	}
	return nil, false
}

// run runs p and flushes its output. Output nobody reads any more ends a
// program as SIGPIPE would.
func (c *call) run(p program) int {
	code := p(c)
	if err := c.out.Flush(); err != nil {
		if errors.Is(err, unix.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
			return 128 + int(unix.SIGPIPE)
		}
		return c.fail("write error: %v", err)
	}
	return code
}

// fail reports an error and returns exit code 1.
func (c *call) fail(format string, args ...any) int {
	fmt.Fprintf(c.err, "%s: %s\n", c.name, fmt.Sprintf(format, args...))
	return 1
}

// usage reports a wrong call and returns exit code 2.
func (c *call) usage(format string, args ...any) int {
	c.fail(format, args...)
	return 2
}

// path resolves an operand against the working directory.
func (c *call) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// why is an error's cause, without the path we resolved.
func why(err error) error {
	var pe *os.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		err = pe.Err
	case errors.As(err, &le):
		err = le.Err
	}
	if errors.Is(err, unix.ENOENT) {
		return errors.New("No such file or directory") //nolint:staticcheck // the words every shell user knows
	}
	return err
}

// each runs f over the named files, "-" and none being standard input, and
// returns 1 if any could not be read. An error of f's that tells of a closed
// output ends the round.
func (c *call) each(names []string, f func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, name := range names {
		if err := c.one(name, f); err != nil {
			code = c.fail("%s: %v", name, why(err))
		}
		if c.stopped() {
			break
		}
	}
	return code
}

func (c *call) one(name string, f func(name string, r io.Reader) error) error {
	if name == "-" {
		return f(name, c.in)
	}
	file, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer file.Close()
	return f(name, file)
}

// prompt writes through the buffer at once, for programs that pass input on as
// it comes.
type prompt struct{ *call }

func (p prompt) Write(b []byte) (int, error) {
	n, err := p.out.Write(b)
	if ferr := p.out.Flush(); err == nil {
		err = ferr
	}
	return n, err
}

// stopped reports whether the program's work is moot: it was cancelled, or
// nobody reads its output.
func (c *call) stopped() bool {
	if c.ctx.Err() != nil {
		return true
	}
	_, err := c.out.Write(nil)
	return err != nil
}

// lines runs f over the lines of r, without their ends, of any length, until f
// says stop.
func (c *call) lines(r io.Reader, f func(line string) (more bool)) error {
	br := bufio.NewReader(r)
	for !c.stopped() {
		line, err := br.ReadString('\n')
		if n := len(line); n > 0 && line[n-1] == '\n' {
			line = line[:n-1]
		} else if n == 0 && err != nil {
			return ignoreEOF(err)
		}
		if !f(line) || err != nil {
			return ignoreEOF(err)
		}
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (c *call) println(args ...any)               { fmt.Fprintln(c.out, args...) }
func (c *call) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }
