package applets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
)

// exec runs a command that is no builtin: a program on PATH, or one of ours
// when PATH has none of that name.
func (s *shell) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	path, err := interp.LookPathDir(hc.Dir, hc.Env, args[0])
	ours := Lookup(args[0]) && err != nil || err == nil && Lookup(filepath.Base(args[0])) && isSelf(path, hc.Dir)
	if err != nil && !ours {
		return notFound(hc, args[0])
	}
	if ours {
		// find prints whole paths unless its directory is the process's.
		if name := filepath.Base(args[0]); s.inProcess && !isShell(name) && name != "find" {
			return s.execHere(ctx, hc, args)
		}
		path = "/proc/self/exe"
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	cmd := exec.Command(path)
	cmd.Args = args
	cmd.Dir, cmd.Env = hc.Dir, exported(hc.Env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = hc.Stdin, hc.Stdout, hc.Stderr
	status, err := s.wait(cmd)
	switch {
	case errors.Is(err, unix.ENOEXEC): // a script without #!
		return s.exec(ctx, append([]string{"sh", path}, args[1:]...))
	case err != nil:
		fmt.Fprintf(hc.Stderr, "sh: %s: %v\n", args[0], why(err))
		return interp.ExitStatus(126)
	case status.Signaled():
		if status.Signal() == unix.SIGINT && ctx.Err() != nil {
			return ctx.Err()
		}
		return interp.ExitStatus(128 + int(status.Signal()))
	case status.ExitStatus() != 0:
		return interp.ExitStatus(status.ExitStatus())
	}
	return nil
}

// execHere runs one of our programs without a new process.
func (s *shell) execHere(ctx context.Context, hc interp.HandlerContext, args []string) error {
	name := filepath.Base(args[0])
	run, _ := find(name)
	c := &call{
		ctx: ctx, name: name, args: args[1:],
		in: hc.Stdin, out: bufio.NewWriter(hc.Stdout), err: hc.Stderr, dir: hc.Dir,
		env:    func(n string) (string, bool) { v := hc.Env.Get(n); return v.Str, v.IsSet() && v.Exported },
		enviro: func() []string { return exported(hc.Env) },
	}
	if code := c.run(run); code != 0 {
		return interp.ExitStatus(code)
	}
	return nil
}

// wait runs cmd to its end.
func (s *shell) wait(cmd *exec.Cmd) (unix.WaitStatus, error) {
	if s.reaper != nil {
		return s.reaper.run(cmd)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return waitStatus(cmd.ProcessState), nil
}

func waitStatus(p *os.ProcessState) unix.WaitStatus {
	status, _ := p.Sys().(syscall.WaitStatus)
	return unix.WaitStatus(status)
}

func notFound(hc interp.HandlerContext, name string) error {
	if strings.Contains(name, "/") {
		p := name
		if !filepath.IsAbs(p) {
			p = filepath.Join(hc.Dir, p)
		}
		if info, err := os.Stat(p); err == nil {
			cause := fs.ErrPermission.Error()
			if info.IsDir() {
				cause = "is a directory"
			}
			fmt.Fprintf(hc.Stderr, "sh: %s: %s\n", name, cause)
			return interp.ExitStatus(126)
		}
	}
	fmt.Fprintf(hc.Stderr, "sh: %s: not found\n", name)
	return interp.ExitStatus(127)
}

// isSelf reports whether path leads to the binary we run from.
func isSelf(path, dir string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	a, err1 := os.Stat(path)
	b, err2 := os.Stat("/proc/self/exe")
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// exported is the environment a child gets.
func exported(env expand.Environ) []string {
	var list []string
	for name, v := range env.Each {
		if v.IsSet() && v.Exported && v.Kind == expand.String {
			list = append(list, name+"="+v.Str)
		}
	}
	return list
}

// under runs a command with another environment, for env.
func (c *call) under(vars, args []string) int {
	path := c.lookPath(args[0])
	if path == "" {
		if !Lookup(args[0]) {
			fmt.Fprintf(c.err, "%s: %s: not found\n", c.name, args[0])
			return 127
		}
		path = "/proc/self/exe"
	}
	_ = c.out.Flush()
	cmd := exec.CommandContext(c.ctx, path)
	cmd.Args, cmd.Env, cmd.Dir = args, vars, c.dir
	if vars == nil {
		cmd.Env = []string{}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.in, c.out, c.err
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.fail("%s: %v", args[0], why(err))
		return 126
	}
	if status := waitStatus(cmd.ProcessState); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

// reaper is PID 1's duty: it waits for every process, ours and orphans, and
// hands our children's ends to who started them.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]chan unix.WaitStatus
}

func startReaper(interactive bool) *reaper {
	r := &reaper{waiting: map[int]chan unix.WaitStatus{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	ends := []os.Signal{unix.SIGTERM, unix.SIGHUP}
	if !interactive {
		ends = append(ends, unix.SIGINT)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, ends...)
	go func() {
		for {
			select {
			case <-ended:
				r.reap()
			case sig := <-told:
				r.finish(sig.(unix.Signal))
			}
		}
	}()
	return r
}

// run starts cmd and waits for it.
func (r *reaper) run(cmd *exec.Cmd) (unix.WaitStatus, error) {
	done := make(chan unix.WaitStatus, 1)
	r.mu.Lock() // its end must not be reaped before we listen for it
	if err := cmd.Start(); err != nil {
		r.mu.Unlock()
		return 0, err
	}
	r.waiting[cmd.Process.Pid] = done
	r.mu.Unlock()
	status := <-done
	_ = cmd.Wait() // the status is taken; this ends the copying of its output
	return status, nil
}

// reap collects all that have ended and reports whether children remain.
func (r *reaper) reap() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if pid <= 0 {
			return err == nil
		}
		if done := r.waiting[pid]; done != nil {
			delete(r.waiting, pid)
			done <- status
		}
	}
}

// finish passes an end signal on to every process of the container, gives them
// a moment, and exits as if the signal had ended us: the kernel ends a
// namespace with its PID 1.
func (r *reaper) finish(sig unix.Signal) {
	_ = unix.Kill(-1, sig)
	for deadline := time.Now().Add(5 * time.Second); r.reap() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	os.Exit(128 + int(sig))
}

// obeySignals makes a program that runs as PID 1 end by TERM, INT and HUP,
// which the kernel otherwise does not deliver to it.
func obeySignals() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	go func() { os.Exit(128 + int((<-told).(unix.Signal))) }()
}
