package headless

import (
	"errors"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// prune makes a prune command; sections says what it removes.
func (a *app) prune(short string, p *pruning, warning func() string,
	sections func(pruner, engine.PruneOptions) []section) *cobra.Command {
	cmd := &cobra.Command{Use: "prune [OPTIONS]", Short: short, Args: between(0, 0)}
	p.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := p.options(a.now())
		if err != nil {
			return err
		}
		e, err := able[pruner](cmd.Context(), a)
		if err != nil {
			return err
		}
		return p.run(cmd, a, warning(), sections(e, o))
	}
	return cmd
}

func (a *app) imagePrune() *cobra.Command {
	p := &pruning{}
	cmd := a.prune("Remove unused images", p, func() string {
		if p.all {
			return "This will remove all images without at least one container associated to them."
		}
		return "This will remove all dangling images."
	}, func(e pruner, o engine.PruneOptions) []section {
		return []section{{title: "Deleted Images", do: e.PruneImages, o: o}}
	})
	cmd.Flags().BoolVarP(&p.all, "all", "a", false, "Also images with a name that no container uses")
	return cmd
}

func (a *app) containerPrune() *cobra.Command {
	return a.prune("Remove all stopped containers", &pruning{},
		func() string { return "This will remove all stopped containers." },
		func(e pruner, o engine.PruneOptions) []section {
			return []section{{title: "Deleted Containers", do: e.PruneContainers, o: o, plain: true}}
		})
}

func (a *app) volumePrune() *cobra.Command {
	p := &pruning{}
	cmd := a.prune("Remove unused volumes", p, func() string {
		if p.all {
			return "This will remove all local volumes not used by at least one container."
		}
		return "This will remove anonymous local volumes not used by at least one container."
	}, func(e pruner, o engine.PruneOptions) []section {
		return []section{{title: "Deleted Volumes", do: e.PruneVolumes, o: o, plain: true}}
	})
	cmd.Flags().BoolVarP(&p.all, "all", "a", false, "Also volumes with a name")
	return cmd
}

func (a *app) systemPrune() *cobra.Command {
	p := &pruning{}
	cmd := a.prune("Remove what is not used", p, func() string {
		text := "This will remove:\n  - all stopped containers\n"
		if p.volumes {
			text += "  - all anonymous volumes not used by at least one container\n"
		}
		if p.all {
			return text + "  - all images without at least one container associated to them"
		}
		return text + "  - all dangling images"
	}, func(e pruner, o engine.PruneOptions) []section {
		all := []section{{title: "Deleted Containers", do: e.PruneContainers, o: o, plain: true}}
		if p.volumes {
			volumes := o
			volumes.All = false
			all = append(all, section{title: "Deleted Volumes", do: e.PruneVolumes, o: volumes, plain: true})
		}
		return append(all, section{title: "Deleted Images", do: e.PruneImages, o: o})
	})
	cmd.Flags().BoolVarP(&p.all, "all", "a", false, "Also images with a name that no container uses")
	cmd.Flags().BoolVar(&p.volumes, "volumes", false, "Also anonymous volumes")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if o, err := p.options(a.now()); err == nil && p.volumes && !o.Until.IsZero() {
			return &failure{code: 1, err: errors.New(`the "until" filter is not supported with "--volumes"`)}
		}
		return nil
	}
	return cmd
}

func (a *app) volumeGroup() *cobra.Command {
	group := &cobra.Command{
		Use:   "volume",
		Short: "Manage volumes",
		Args:  cobra.ArbitraryArgs, RunE: a.group,
	}
	group.AddCommand(a.volumePrune())
	return group
}
