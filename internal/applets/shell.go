package applets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shell is one run of sh.
type shell struct {
	runner    *interp.Runner
	reaper    *reaper // non-nil as PID 1
	inProcess bool    // run our own programs in this process
	status    int     // of the last command
}

// shellArgs is how sh was called.
type shellArgs struct {
	command     string   // -c
	hasCommand  bool     //
	file        string   // script; "": standard input
	params      []string // $1…
	set         []string // -e, -x, …
	interactive bool
	login       bool
}

func parseShellArgs(args []string) (a shellArgs, err error) {
	stdin := false
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		for _, letter := range word[1:] {
			switch letter {
			case 'c':
				a.hasCommand = true
			case 's':
				stdin = true
			case 'i':
				a.interactive = true
			case 'l':
				a.login = true
			case 'e', 'x', 'u', 'f', 'n', 'a':
				a.set = append(a.set, word[:1]+string(letter))
			default:
				return a, fmt.Errorf("unknown option %s", word)
			}
		}
	}
	switch {
	case a.hasCommand:
		if len(args) == 0 {
			return a, errors.New("-c needs a command")
		}
		a.command, args = args[0], args[1:]
		if len(args) > 0 {
			args = args[1:] // $0
		}
	case !stdin && len(args) > 0:
		a.file, args = args[0], args[1:]
	case !a.interactive:
		a.interactive = term.IsTerminal(0) && term.IsTerminal(2)
	}
	a.params = args
	return a, nil
}

func shellMain(name string, args []string) int {
	a, err := parseShellArgs(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "sh: %v\n", err)
		return 2
	}
	a.login = a.login || strings.HasPrefix(name, "-")
	s, err := newShell(a)
	if err != nil {
		fmt.Fprintf(os.Stderr, "sh: %v\n", err)
		return 2
	}
	if a.login {
		if f, err := os.Open("/etc/profile"); err == nil {
			s.script(f, "/etc/profile")
			_ = f.Close()
		}
	}
	switch {
	case a.hasCommand:
		return s.script(strings.NewReader(a.command), "sh")
	case a.file != "":
		f, err := os.Open(a.file)
		if err != nil {
			fmt.Fprintf(os.Stderr, "sh: %s: %v\n", a.file, why(err))
			return 127
		}
		defer f.Close()
		return s.script(f, a.file)
	case a.interactive && term.IsTerminal(0):
		return s.prompt()
	}
	// Byte by byte, so that commands of the script read what follows them.
	return s.script(byteReader{os.Stdin}, "sh")
}

func newShell(a shellArgs) (*shell, error) {
	s := &shell{inProcess: !a.interactive}
	if os.Getpid() == 1 {
		// Every child is a process of ours then, so that the reaper can tell
		// our children from orphans.
		s.inProcess = false
		s.reaper = startReaper(a.interactive)
	}
	env := os.Environ()
	if os.Getenv("PATH") == "" {
		env = append(env, "PATH="+defaultPath)
	}
	var err error
	s.runner, err = interp.New(
		interp.StdIO(os.Stdin, os.Stdout, os.Stderr),
		interp.Env(expand.ListEnviron(env...)),
		interp.Interactive(a.interactive),
		interp.Params(append(append(a.set, "--"), a.params...)...),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
	)
	return s, err
}

// script runs statements as they are read, until the end, an exit or a syntax
// error, and returns the exit code.
func (s *shell) script(r io.Reader, name string) int {
	for stmt, err := range syntax.NewParser().StmtsSeq(r) {
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			return 2
		}
		s.run(context.Background(), stmt)
		if s.runner.Exited() {
			return s.status
		}
	}
	// The end of the script runs the EXIT trap.
	if !s.runner.Exited() {
		status := s.status
		if s.run(context.Background(), &syntax.File{}); s.status == 0 {
			s.status = status
		}
	}
	return s.status
}

// run runs one node and notes its status.
func (s *shell) run(ctx context.Context, node syntax.Node) {
	err := s.runner.Run(ctx, node)
	var status interp.ExitStatus
	switch {
	case err == nil:
		s.status = 0
	case errors.As(err, &status):
		s.status = int(status)
	case errors.Is(err, context.Canceled):
		s.status = 128 + int(unix.SIGINT)
	default:
		fmt.Fprintf(os.Stderr, "sh: %v\n", err)
		s.status = 1
	}
}

// prompt is the interactive shell.
func (s *shell) prompt() int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, unix.SIGINT)
	signal.Notify(make(chan os.Signal, 1), unix.SIGQUIT) // not ours to dump on
	con := newConsole()
	parser := syntax.NewParser()
	pending := ""
	for {
		line, err := con.readLine(s.promptText(pending != ""))
		switch {
		case errors.Is(err, errInterrupted):
			pending, s.status = "", 128+int(unix.SIGINT)
			continue
		case err != nil:
			fmt.Fprintln(os.Stderr)
			return s.status
		}
		pending += line + "\n"
		file, err := parser.Parse(strings.NewReader(pending), "sh")
		if syntax.IsIncomplete(err) {
			continue
		}
		pending = ""
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			s.status = 2
			continue
		}
		if !s.runLine(file.Stmts, interrupts) {
			return s.status
		}
	}
}

// runLine runs a line's statements and reports whether the shell goes on: ^C
// ends them and not the shell.
func (s *shell) runLine(stmts []*syntax.Stmt, interrupts <-chan os.Signal) (more bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for len(interrupts) > 0 {
		<-interrupts
	}
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-interrupts:
			cancel()
		case <-done:
		}
	}()
	for _, stmt := range stmts {
		s.run(ctx, stmt)
		if s.runner.Exited() || ctx.Err() != nil {
			break
		}
	}
	close(done)
	<-watched
	if ctx.Err() != nil {
		// The interpreter takes a cancelled context for an exit.
		fmt.Fprintln(os.Stderr)
		return true
	}
	return !s.runner.Exited()
}

func (s *shell) promptText(more bool) string {
	if more {
		return "> "
	}
	host, _ := os.Hostname()
	mark := "$"
	if os.Geteuid() == 0 {
		mark = "#"
	}
	return fmt.Sprintf("%s:%s%s ", host, s.runner.Dir, mark)
}

// byteReader reads one byte at a time.
type byteReader struct{ r io.Reader }

func (b byteReader) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return b.r.Read(p)
}

// builtin runs echo, printf, test or [ when called as programs.
func builtin(c *call) int {
	r, err := interp.New(interp.StdIO(c.in, c.out, c.err), interp.Params(append([]string{"--"}, c.args...)...))
	if err != nil {
		return c.fail("%v", err)
	}
	node, err := syntax.NewParser().Parse(strings.NewReader(c.name+` "$@"`), c.name)
	if err != nil {
		return c.fail("%v", err)
	}
	err = r.Run(c.ctx, node)
	var status interp.ExitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	return 0
}
