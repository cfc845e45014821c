package headless

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// many makes a command that does the same to every container it is given.
func (a *app) many(use, short string, do func(ctx context.Context, e door, name string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: between(1, -1)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		return a.each(args, func(name string) error { return do(ctx, e, name) })
	}
	return cmd
}

func (a *app) pause() *cobra.Command {
	return a.many("pause CONTAINER [CONTAINER...]", "Freeze all processes of containers",
		func(ctx context.Context, e door, name string) error { return e.Pause(ctx, name) })
}

func (a *app) unpause() *cobra.Command {
	return a.many("unpause CONTAINER [CONTAINER...]", "Thaw all processes of containers",
		func(ctx context.Context, e door, name string) error { return e.Unpause(ctx, name) })
}

func (a *app) kill() *cobra.Command {
	var name string
	cmd := a.many("kill [OPTIONS] CONTAINER [CONTAINER...]", "Send a signal to running containers",
		func(ctx context.Context, e door, ref string) error { return e.Kill(ctx, ref, name) })
	cmd.Flags().StringVarP(&name, "signal", "s", "KILL", "`Signal` to send")
	cmd.PreRunE = func(*cobra.Command, []string) (err error) {
		name, err = engine.ParseSignal(name)
		return err
	}
	return cmd
}

func (a *app) stop() *cobra.Command {
	return a.stopping("stop [OPTIONS] CONTAINER [CONTAINER...]", "Stop running containers",
		func(ctx context.Context, e door, name string, o engine.StopOptions) error {
			return e.Stop(ctx, name, o)
		})
}

func (a *app) restart() *cobra.Command {
	return a.stopping("restart [OPTIONS] CONTAINER [CONTAINER...]", "Stop and start containers",
		func(ctx context.Context, e door, name string, o engine.StopOptions) error {
			return e.Restart(ctx, name, o)
		})
}

func (a *app) stopping(use, short string, do func(context.Context, door, string, engine.StopOptions) error) *cobra.Command {
	var o engine.StopOptions
	var name, timeout, old string
	cmd := a.many(use, short, func(ctx context.Context, e door, ref string) error { return do(ctx, e, ref, o) })
	f := cmd.Flags()
	f.StringVarP(&name, "signal", "s", "", "`Signal` to send first")
	f.StringVarP(&timeout, "timeout", "t", "", "`Seconds` until SIGKILL, -1 for ever")
	f.StringVar(&old, "time", "", "Older name of --timeout")
	_ = f.MarkHidden("time") // exists: declared above
	cmd.MarkFlagsMutuallyExclusive("timeout", "time")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if given := timeout + old; given != "" {
			seconds, err := engine.ParseStopTimeout(given)
			if err != nil {
				return err
			}
			o.Timeout = &seconds
		}
		return set(name != "", &o.Signal, name, engine.ParseSignal)()
	}
	return cmd
}

func (a *app) rm() *cobra.Command {
	var o engine.RemoveOptions
	cmd := a.many("rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove containers",
		func(ctx context.Context, e door, name string) error {
			err := e.Remove(ctx, name, o)
			if o.Force && errors.Is(err, engine.ErrNotFound) {
				a.complain(err) // gone is what was asked for
				return errSkip
			}
			return err
		})
	cmd.Aliases = []string{"remove"}
	cmd.Flags().BoolVarP(&o.Force, "force", "f", false, "Kill what runs")
	cmd.Flags().BoolVarP(&o.Volumes, "volumes", "v", false, "Also remove anonymous volumes")
	return cmd
}

func (a *app) rename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename CONTAINER NEW_NAME",
		Short: "Rename a container",
		Args:  between(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := engine.ParseName(args[1])
			if err != nil {
				return err
			}
			e, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			return e.Rename(cmd.Context(), args[0], name)
		},
	}
}

func (a *app) wait() *cobra.Command {
	return &cobra.Command{
		Use:   "wait CONTAINER [CONTAINER...]",
		Short: "Wait for containers to exit and print their codes",
		Args:  between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			ctx, stop := a.interruptible(cmd.Context())
			defer stop()
			return a.each(args, func(name string) error {
				code, err := e.Wait(ctx, name)
				if err != nil {
					return err
				}
				fmt.Fprintln(a.Out, code)
				return errSkip
			})
		},
	}
}
