package headless

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// measurer is an engine that knows what its store takes.
type measurer interface {
	DiskUsage(ctx context.Context) (engine.DiskUsage, error)
}

// dfRow is one kind of thing in system df.
type dfRow struct {
	Type, TotalCount, Active, Size, Reclaimable string
}

var dfTitles = headers{"Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE", "Reclaimable": "RECLAIMABLE"}

func (a *app) df() *cobra.Command {
	var verbose bool
	var format string
	cmd := &cobra.Command{
		Use:   "df [OPTIONS]",
		Short: "Show what the store takes",
		Args:  between(0, 0),
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "Show each image, container and volume")
	cmd.Flags().StringVar(&format, "format", "", "table, json, or a Go `template`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if verbose && format != "" {
			return conflict("--format and --verbose exclude each other")
		}
		e, err := able[measurer](cmd.Context(), a)
		if err != nil {
			return err
		}
		u, err := e.DiskUsage(cmd.Context())
		if err != nil {
			return err
		}
		if verbose {
			return a.dfDetails(u)
		}
		return printRows(a.Out, view{format: format, titles: dfTitles,
			table: `{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}`}, dfRows(u))
	}
	return cmd
}

func dfRows(u engine.DiskUsage) []dfRow {
	active := 0
	for _, i := range u.Images {
		if i.Containers > 0 {
			active++
		}
	}
	rows := []dfRow{row("Images", len(u.Images), active, u.ImageBytes, u.ImageReclaimable)}
	var size, free int64
	active = 0
	for _, c := range u.Containers {
		size += c.Bytes
		if s := c.Container.State.Status; s == engine.Running || s == engine.Paused {
			active++
		} else {
			free += c.Bytes
		}
	}
	rows = append(rows, row("Containers", len(u.Containers), active, size, free))
	size, free, active = 0, 0, 0
	for _, v := range u.Volumes {
		size += v.Bytes
		if v.Links > 0 {
			active++
		} else {
			free += v.Bytes
		}
	}
	return append(rows, row("Local Volumes", len(u.Volumes), active, size, free), row("Build Cache", 0, 0, 0, 0))
}

func row(kind string, total, active int, size, free int64) dfRow {
	r := dfRow{Type: kind, TotalCount: fmt.Sprint(total), Active: fmt.Sprint(active), Size: human(size), Reclaimable: human(free)}
	if size > 0 && kind != "Build Cache" {
		r.Reclaimable += fmt.Sprintf(" (%d%%)", free*100/size)
	}
	return r
}

// dfImage, dfContainer and dfVolume are the rows of system df -v.
type dfImage struct {
	Repository, Tag, ID, CreatedSince, Size, SharedSize, UniqueSize, Containers string
}

type dfContainer struct {
	ID, Image, Size, RunningFor, Status, Names string
}

type dfVolume struct{ Name, Links, Size string }

func (a *app) dfDetails(u engine.DiskUsage) error {
	var list []dfImage
	for _, i := range u.Images {
		names := i.Image.Names
		if len(names) == 0 {
			names = []string{none + ":" + none}
		}
		for _, name := range names {
			repository, tag := splitName(name)
			list = append(list, dfImage{Repository: a.safe(repository), Tag: a.safe(tag), ID: shortID(i.Image.ID.String()),
				CreatedSince: ago(a.now(), i.Image.Created), Size: human(i.Image.Size), SharedSize: human(i.Shared),
				UniqueSize: human(i.Unique), Containers: fmt.Sprint(i.Containers)})
		}
	}
	var containers []dfContainer
	for _, c := range u.Containers {
		containers = append(containers, dfContainer{ID: shortID(c.Container.ID), Image: a.safe(c.Container.Image), Size: human(c.Bytes),
			RunningFor: ago(a.now(), c.Container.Created), Status: string(c.Container.State.Status), Names: a.safe(c.Container.Name)})
	}
	var volumes []dfVolume
	for _, v := range u.Volumes {
		volumes = append(volumes, dfVolume{a.safe(v.Name), fmt.Sprint(v.Links), human(v.Bytes)})
	}
	fmt.Fprint(a.Out, "Images space usage:\n\n")
	err := printRows(a.Out, view{titles: headers{"Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED",
		"Size": "SIZE", "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE", "Containers": "CONTAINERS"},
		table: `{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}`}, list)
	if err != nil {
		return err
	}
	fmt.Fprint(a.Out, "\nContainers space usage:\n\n")
	err = printRows(a.Out, view{titles: headers{"ID": "CONTAINER ID", "Image": "IMAGE", "Size": "SIZE", "RunningFor": "CREATED",
		"Status": "STATUS", "Names": "NAMES"},
		table: `{{.ID}}\t{{.Image}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}`}, containers)
	if err != nil {
		return err
	}
	fmt.Fprint(a.Out, "\nLocal Volumes space usage:\n\n")
	return printRows(a.Out, view{titles: headers{"Name": "VOLUME NAME", "Links": "LINKS", "Size": "SIZE"},
		table: `{{.Name}}\t{{.Links}}\t{{.Size}}`}, volumes)
}
