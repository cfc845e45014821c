package headless

import (
	"context"
	"fmt"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

type psOptions struct {
	all, quiet, latest, noTrunc, size bool
	last                              int
	format                            string
	filter                            []string
}

func (a *app) ps(name string) *cobra.Command {
	var o psOptions
	cmd := &cobra.Command{
		Use:   name + " [OPTIONS]",
		Short: "List containers",
		Args:  between(0, 0),
	}
	f := cmd.Flags()
	f.BoolVarP(&o.all, "all", "a", false, "Also containers that do not run")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "Only IDs")
	f.BoolVarP(&o.latest, "latest", "l", false, "The newest container, whatever its state")
	f.IntVarP(&o.last, "last", "n", -1, "The `n` newest containers, whatever their state")
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Whole IDs and commands")
	f.BoolVarP(&o.size, "size", "s", false, "How much disk each uses")
	f.StringVar(&o.format, "format", "", "table, json, or a Go `template`")
	f.StringArrayVarP(&o.filter, "filter", "f", nil, "Only what matches: `key=value`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.listContainers(cmd.Context(), o) }
	return cmd
}

func (a *app) listContainers(ctx context.Context, o psOptions) error {
	wanted, err := parseFilters(o.filter, "ancestor", "exited", "id", "label", "name", "status")
	if err != nil {
		return err
	}
	v := view{format: o.format, quiet: o.quiet, titles: psTitles,
		table: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}`}
	if o.size {
		v.table += `\t{{.Size}}`
	}
	if _, err := parseTemplate(o.format); err != nil {
		return err
	}
	e, err := a.engine(ctx)
	if err != nil {
		return err
	}
	list, err := e.Containers(ctx)
	if err != nil {
		return err
	}
	keep, err := containerFilter(ctx, e, wanted, o)
	if err != nil {
		return err
	}
	limit := len(list)
	if o.latest {
		limit = 1
	} else if o.last >= 0 {
		limit = o.last
	}
	names := imageNames{ctx: ctx, store: e, ids: map[string]string{}}
	rows := []psRow{}
	for _, c := range list {
		if len(rows) == limit {
			break
		}
		if !keep(c) {
			continue
		}
		row := a.psRow(c, o.noTrunc)
		if !o.quiet || o.format != "" {
			row.Image = a.safe(names.of(c, o.noTrunc))
		}
		if o.size {
			if row.Size, err = sizeColumn(ctx, e, c.ID, a.prog+" ps"); err != nil {
				return err
			}
		}
		rows = append(rows, row)
	}
	return printRows(a.Out, v, rows)
}

// imageNames remembers which image a name leads to today.
type imageNames struct {
	ctx   context.Context
	store imageStore
	ids   map[string]string
}

// of is the image as it was given; its ID once the name leads elsewhere.
func (n imageNames) of(c engine.Container, full bool) string {
	if c.Image == "" {
		return ""
	}
	id, known := n.ids[c.Image]
	if !known {
		if img, err := n.store.Image(n.ctx, c.Image); err == nil {
			id = img.ID.String()
		}
		n.ids[c.Image] = id
	}
	switch {
	case id == c.ImageID.String() || c.ImageID == "":
		return c.Image
	case full:
		return c.ImageID.String()
	}
	return shortID(c.ImageID.String())
}

func sizeColumn(ctx context.Context, e door, id, command string) (string, error) {
	s, ok := e.(sizer)
	if !ok {
		return "", usage(unknownFlag("--size"), command)
	}
	writable, total, err := s.ContainerSize(ctx, id)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s (virtual %s)", units.HumanSizeWithPrecision(float64(writable), 3),
		units.HumanSizeWithPrecision(float64(total), 3)), nil
}
