package headless

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) attach() *cobra.Command {
	var s streaming
	var noStdin bool
	cmd := &cobra.Command{
		Use:   "attach [OPTIONS] CONTAINER",
		Short: "Join a running container's streams",
		Args:  between(1, 1),
	}
	s.add(cmd.Flags())
	cmd.Flags().BoolVar(&noStdin, "no-stdin", false, "Do not attach standard input")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.parse(); err != nil {
			return err
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		c, err := e.Container(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		switch c.State.Status {
		case engine.Running:
		case engine.Paused:
			return errors.New("You cannot attach to a paused container, unpause it first")
		default:
			return errors.New("You cannot attach to a stopped container, start it first")
		}
		s.tty, s.stdin = c.Config.Tty, c.Config.OpenStdin && !noStdin
		if err := a.needTerminal(s); err != nil {
			return err
		}
		return a.stream(cmd, s, func(ctx context.Context) (session, error) {
			cols, rows := a.size()
			conn, err := e.Attach(ctx, c.ID, engine.AttachOptions{NoStdin: !s.stdin, Cols: cols, Rows: rows})
			if err != nil {
				return nil, &failure{code: 1, err: err}
			}
			return conn, nil
		})
	}
	return cmd
}

func (a *app) exec() *cobra.Command {
	var s streaming
	var spec engine.ExecSpec
	var env, envFiles []string
	var workdir, user string
	cmd := &cobra.Command{
		Use:   "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
		Short: "Run a command in a running container",
		Args:  between(2, -1),
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.BoolVarP(&spec.OpenStdin, "interactive", "i", false, "Keep standard input open")
	f.BoolVarP(&spec.Tty, "tty", "t", false, "Give the process a terminal")
	f.BoolVarP(&spec.Detach, "detach", "d", false, "Run in the background")
	f.StringArrayVarP(&env, "env", "e", nil, "Set an environment variable: `NAME[=value]`")
	f.StringArrayVar(&envFiles, "env-file", nil, "Read environment variables from a `file`")
	f.StringVarP(&workdir, "workdir", "w", "", "Working `directory` in the container")
	f.StringVarP(&user, "user", "u", "", "User or uid, and group: `name|uid[:group|gid]`")
	f.StringVar(&s.detachKeys, "detach-keys", "", "`Keys` that leave the process running (default ctrl-p,ctrl-q)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		spec.Args = args[1:]
		s.tty, s.stdin = spec.Tty, spec.OpenStdin && !spec.Detach
		for _, step := range []func() error{
			s.parse,
			set(workdir != "", &spec.WorkingDir, workdir, engine.ParseWorkdir),
			set(user != "", &spec.User, user, engine.ParseUserSyntax),
			func() (err error) {
				spec.Env, err = a.environment(env, envFiles)
				return err
			},
			func() error { return a.needTerminal(s) },
		} {
			if err := step(); err != nil {
				return &failure{code: 1, err: err}
			}
		}
		return a.runExec(cmd, args[0], spec, s)
	}
	return cmd
}

func (a *app) runExec(cmd *cobra.Command, ref string, spec engine.ExecSpec, s streaming) error {
	e, err := a.engine(cmd.Context())
	if err != nil {
		return err
	}
	spec.Cols, spec.Rows = a.size()
	start := func(ctx context.Context) (session, error) {
		conn, err := e.Exec(ctx, ref, spec)
		if err != nil {
			return nil, unexecuted(err)
		}
		return conn, nil
	}
	if !spec.Detach {
		return a.stream(cmd, s, start)
	}
	conn, err := start(cmd.Context())
	if err != nil || conn == nil {
		return err
	}
	return conn.Close()
}

// unexecuted gives a failed exec its code: 1 when there is no such running
// container, else what the start says, 126 when it does not say.
func unexecuted(err error) error {
	code := engine.ExitCode(err)
	switch {
	case errors.Is(err, engine.ErrNotFound) && code == engine.ExitEngine, errors.Is(err, engine.ErrInvalid),
		errors.Is(err, engine.ErrNotRunning):
		code = 1
	case code == engine.ExitEngine:
		code = 126
	}
	return &failure{code: code, err: err}
}

func (a *app) start() *cobra.Command {
	var s streaming
	var attach, interactive bool
	cmd := &cobra.Command{
		Use:   "start [OPTIONS] CONTAINER [CONTAINER...]",
		Short: "Start stopped containers",
		Args:  between(1, -1),
	}
	cmd.Flags().BoolVarP(&attach, "attach", "a", false, "Attach to the container's output and pass signals on")
	cmd.Flags().BoolVarP(&interactive, "interactive", "i", false, "Attach to the container's input")
	cmd.Flags().StringVar(&s.detachKeys, "detach-keys", "", "`Keys` that leave the container running (default ctrl-p,ctrl-q)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.parse(); err != nil {
			return err
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		if !attach && !interactive {
			return a.startAll(cmd.Context(), e, args)
		}
		if len(args) > 1 {
			return errors.New("you cannot start and attach multiple containers at once")
		}
		return a.startAttached(cmd, e, args[0], interactive, s)
	}
	return cmd
}

func (a *app) startAll(ctx context.Context, e door, names []string) error {
	var failed []string
	err := a.each(names, func(name string) error {
		err := e.Start(ctx, name)
		if err != nil {
			failed = append(failed, name)
		}
		return err
	})
	if len(failed) > 0 {
		a.complain(fmt.Errorf("failed to start containers: %v", failed))
	}
	return err
}

func (a *app) startAttached(cmd *cobra.Command, e door, ref string, interactive bool, s streaming) error {
	c, err := e.Container(cmd.Context(), ref)
	if err != nil {
		return err
	}
	if c.State.Status == engine.Paused {
		return errors.New("cannot start a paused container, try unpause instead")
	}
	join := e.StartAttached
	if c.State.Status == engine.Running {
		join = e.Attach
	}
	s.sigProxy, s.tty, s.stdin = true, c.Config.Tty, interactive && c.Config.OpenStdin
	if err := a.needTerminal(s); err != nil {
		return err
	}
	return a.stream(cmd, s, func(ctx context.Context) (session, error) {
		cols, rows := a.size()
		return join(ctx, c.ID, engine.AttachOptions{NoStdin: !s.stdin, Cols: cols, Rows: rows})
	})
}
