package headless

import "github.com/spf13/cobra"

// addArchives adds the commands for archives, pruning and the store's health,
// at the top and in their groups.
func (a *app) addArchives(root *cobra.Command) {
	add(root, "run", a.commit(), a.export())
	add(root, "image", a.save(), a.load(), a.importImage())
	add(root, "group", a.volumeGroup())
	add(root, "", a.verify("verify"))
	in := map[string][]*cobra.Command{
		"container": {a.commit(), a.export(), a.containerPrune()},
		"image":     {a.save(), a.load(), a.importImage(), a.imagePrune()},
		"system":    {a.df(), a.systemPrune(), a.verify("check")},
	}
	for _, group := range root.Commands() {
		group.AddCommand(in[group.Name()]...)
	}
}
