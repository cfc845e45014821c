package headless

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) create() *cobra.Command {
	var r runFlags
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
		Short: "Create a container",
		Args:  between(1, -1),
	}
	r.add(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		spec, err := r.spec(a, cmd, args)
		if err != nil {
			return usage(err, cmd.CommandPath())
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		c, err := a.make(ctx, spec, r.cidfile)
		if err != nil {
			return unstarted(cmd, err)
		}
		fmt.Fprintln(a.Out, c.ID)
		return nil
	}
	return cmd
}

func (a *app) run() *cobra.Command {
	var r runFlags
	var s streaming
	var detach bool
	var attach []string
	cmd := &cobra.Command{
		Use:   "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
		Short: "Create and run a container",
		Args:  between(1, -1),
	}
	r.add(cmd.Flags())
	s.add(cmd.Flags())
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "Run in the background and print the container's ID")
	cmd.Flags().StringArrayVarP(&attach, "attach", "a", nil, "Attach only this `stream`: stdin, stdout or stderr")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		spec, err := r.spec(a, cmd, args)
		if err == nil {
			s.only, err = attachList(attach)
		}
		if err == nil {
			err = s.parse()
		}
		if err != nil {
			return usage(err, cmd.CommandPath())
		}
		if detach && len(attach) > 0 {
			return conflict("Conflicting options: -a and -d")
		}
		s.tty, s.stdin = r.tty, r.interactive && (len(s.only) == 0 || s.only["stdin"])
		done, err := a.prepare(cmd)
		if err != nil {
			return unstarted(cmd, err)
		}
		defer done()
		if detach {
			return unstarted(cmd, a.runDetached(cmd.Context(), spec, r.cidfile))
		}
		return a.runAttached(cmd, spec, r.cidfile, s)
	}
	return cmd
}

// prepare lets the engine begin with what starting a container takes. The
// command's context is prepared then, until done.
func (a *app) prepare(cmd *cobra.Command) (done func(), err error) {
	e, err := a.engine(cmd.Context())
	if err != nil {
		return nil, err
	}
	ctx, done := e.Prepare(cmd.Context())
	cmd.SetContext(ctx)
	return done, nil
}

func (a *app) runDetached(ctx context.Context, spec engine.RunSpec, cidfile string) error {
	guard, stop := a.interruptible(ctx)
	defer stop()
	c, err := a.make(guard, spec, cidfile)
	if err != nil {
		return err
	}
	if guard.Err() != nil {
		return a.startFailed(ctx, c, guard.Err())
	}
	if err := a.opened.Start(ctx, c.ID); err != nil {
		return a.startFailed(ctx, c, err)
	}
	fmt.Fprintln(a.Out, c.ID)
	return nil
}

func (a *app) runAttached(cmd *cobra.Command, spec engine.RunSpec, cidfile string, s streaming) error {
	if err := a.needTerminal(s); err != nil {
		return err
	}
	spec.Cols, spec.Rows = a.size()
	// An interrupt between creating and starting must not leave the container.
	guard, stop := a.interruptible(cmd.Context())
	defer stop()
	c, err := a.make(guard, spec, cidfile)
	if err != nil {
		return unstarted(cmd, err)
	}
	return a.stream(cmd, s, func(ctx context.Context) (session, error) {
		if guard.Err() != nil {
			return nil, a.startFailed(ctx, c, guard.Err())
		}
		at := engine.AttachOptions{NoStdin: !s.stdin, Cols: spec.Cols, Rows: spec.Rows}
		conn, err := a.opened.StartAttached(ctx, c.ID, at)
		if err != nil {
			return nil, a.startFailed(ctx, c, err)
		}
		return conn, nil
	})
}

// startFailed removes a container that was to be removed when it exits: it
// never will.
func (a *app) startFailed(ctx context.Context, c engine.Container, why error) error {
	if !c.Host.AutoRemove {
		return why
	}
	err := a.opened.Remove(context.WithoutCancel(ctx), c.ID, engine.RemoveOptions{Force: true, Volumes: true})
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("%w; removing it: %w", why, err)
	}
	return why
}

// make creates a container, pulling its image if need be with progress on
// standard error, and writes its ID to cidfile. ctx is the interruptible one
// that the caller looks at afterwards: a second would hear of a signal at
// another moment.
func (a *app) make(ctx context.Context, spec engine.RunSpec, cidfile string) (c engine.Container, err error) {
	if cidfile != "" {
		file, err := os.OpenFile(cidfile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, os.ErrExist) {
			return c, fmt.Errorf("container ID file found, "+
				"make sure the other container isn't running or delete %s", cidfile)
		} else if err != nil {
			return c, fmt.Errorf("creating the container ID file: %w", err)
		}
		defer func() {
			if err == nil {
				_, err = file.WriteString(c.ID)
			}
			if cerr := file.Close(); err == nil {
				err = cerr
			}
			if c.ID == "" {
				_ = os.Remove(cidfile) // empty
			}
		}()
	}
	e, err := a.engine(ctx)
	if err != nil {
		return c, err
	}
	progress := a.progress(spec.Quiet)
	if spec.Pull == engine.PullMissing {
		progress.lead = fmt.Sprintf("Unable to find image '%s' locally", tagged(spec.Image))
	}
	defer progress.finish()
	return e.Create(ctx, spec, progress)
}
