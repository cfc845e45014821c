package headless

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"gantry/engine"
)

const about = `Container workstation for the terminal.

Without a command it opens the screens; with one it works as docker does.

Options in front of the command:
      --cmd line       Run a command line without screens: --cmd 'run debian true'
      --root dir       Where images and containers are kept
      --run-dir dir    Where sockets and locks are
      --no-color       No colours on the screens`

// tree builds the commands. Nothing of it exists before it is asked for.
func (a *app) tree() *cobra.Command {
	root := &cobra.Command{
		Use:           a.prog + " [OPTIONS] COMMAND [ARG...]",
		Short:         "Container workstation for the terminal",
		Long:          about,
		Version:       engine.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          a.group,
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.PersistentFlags().BoolP("help", "h", false, "Print usage")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(err, cmd.CommandPath()) })
	root.AddGroup(&cobra.Group{ID: "run", Title: "Containers:"}, &cobra.Group{ID: "image", Title: "Images:"},
		&cobra.Group{ID: "group", Title: "Groups:"})
	add(root, "run", slices.Concat([]*cobra.Command{a.ps("ps")}, a.containerCommands())...)
	add(root, "image", a.pull(), a.images("images"), a.rmi("rmi"), a.tag(), a.history())
	add(root, "image", a.push(), a.search(), a.login(), a.logout())
	add(root, "group", a.manifestGroup())
	add(root, "image", a.inspectorCommands()...)
	add(root, "group", a.containerGroup(), a.imageGroup(), a.systemGroup())
	add(root, "", a.inspect(""), a.version(), a.info())
	a.addArchives(root)
	plainUsage(root)
	return root
}

// plainUsage keeps cobra from adding [flags] to usage lines that say [OPTIONS].
func plainUsage(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	for _, sub := range c.Commands() {
		plainUsage(sub)
	}
}

func add(parent *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
	}
	parent.AddCommand(commands...)
}

// containerCommands are the ones with the same name at the top and in the
// group container.
func (a *app) containerCommands() []*cobra.Command {
	return []*cobra.Command{a.run(), a.create(), a.start(), a.stop(), a.restart(), a.kill(), a.pause(), a.unpause(),
		a.rm(), a.rename(), a.logs(), a.attach(), a.exec(), a.wait(), a.port()}
}

func (a *app) containerGroup() *cobra.Command {
	ls := a.ps("ls")
	ls.Aliases = []string{"list", "ps"}
	group := &cobra.Command{
		Use:   "container",
		Short: "Manage containers",
		Args:  cobra.ArbitraryArgs, RunE: a.group,
	}
	group.AddCommand(slices.Concat([]*cobra.Command{ls, a.inspect("container")}, a.containerCommands())...)
	return group
}

func (a *app) imageGroup() *cobra.Command {
	ls, rm := a.images("ls"), a.rmi("rm")
	ls.Aliases, rm.Aliases = []string{"list"}, []string{"remove"}
	group := &cobra.Command{
		Use:   "image",
		Short: "Manage images",
		Args:  cobra.ArbitraryArgs, RunE: a.group,
	}
	group.AddCommand(ls, rm, a.pull(), a.tag(), a.history(), a.inspect("image"))
	group.AddCommand(a.push())
	return group
}

func (a *app) systemGroup() *cobra.Command {
	group := &cobra.Command{
		Use:   "system",
		Short: "Manage Gantry",
		Args:  cobra.ArbitraryArgs, RunE: a.group,
	}
	group.AddCommand(a.info(), a.resetNetwork())
	return group
}

// group runs when no command of the tree was named: without a word it helps,
// with one it says which command may have been meant.
func (a *app) group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	cmd.SuggestionsMinimumDistance = 2
	err := fmt.Errorf("'%s' is not a %s command", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w. Did you mean '%s'?", err, near[0])
	}
	return &failure{code: 1, err: err, help: cmd.CommandPath()}
}

// between asks for least to most arguments; most < 0 is any number.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		var want string
		switch {
		case len(args) >= least && (most < 0 || len(args) <= most):
			return nil
		case most == 0:
			want = "accepts no arguments"
		case least == most:
			want = "requires " + count(least)
		case len(args) < least:
			want = "requires at least " + count(least)
		default:
			want = "requires at most " + count(most)
		}
		return &failure{code: 1, err: fmt.Errorf("'%s' %s", cmd.CommandPath(), want), help: cmd.CommandPath()}
	}
}

func count(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
