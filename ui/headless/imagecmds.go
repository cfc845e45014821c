package headless

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) pull() *cobra.Command {
	var o engine.PullOptions
	var platform string
	var all bool
	cmd := &cobra.Command{
		Use:   "pull [OPTIONS] NAME[:TAG|@DIGEST]",
		Short: "Fetch an image from its registry",
		Args:  between(1, 1),
	}
	cmd.Flags().BoolVarP(&o.Quiet, "quiet", "q", false, "Show no progress")
	cmd.Flags().StringVar(&platform, "platform", "", "`os/arch[/variant]` to fetch")
	cmd.Flags().BoolVar(&o.Insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
	cmd.Flags().BoolVarP(&all, "all-tags", "a", false, "Every tag of the repository")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := set(platform != "", &o.Platform, platform, engine.ParsePlatform)(); err != nil {
			return err
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		if all {
			return a.pullAll(ctx, e, args[0], o)
		}
		return a.pullImage(ctx, e, args[0], o)
	}
	return cmd
}

func (a *app) pullImage(ctx context.Context, e imageStore, ref string, o engine.PullOptions) error {
	name := tagged(ref)
	if name != ref && !o.Quiet {
		fmt.Fprintln(a.Err, "Using default tag: latest")
	}
	before, err := e.Image(ctx, ref)
	if err != nil && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrDamaged) {
		return err
	}
	progress := a.progress(o.Quiet)
	img, err := e.Pull(ctx, ref, o, progress)
	progress.finish()
	if err != nil {
		return err
	}
	if !o.Quiet {
		status := "Downloaded newer image for "
		if before.ID == img.ID && before.Target.Digest == img.Target.Digest {
			status = "Image is up to date for "
		}
		fmt.Fprintf(a.Out, "Digest: %s\nStatus: %s%s\n", img.Target.Digest, status, a.safe(name))
	}
	fmt.Fprintln(a.Out, a.safe(fullName(name)))
	return nil
}

// fullName adds the registry that a short name means.
func fullName(name string) string {
	host, _, slashed := strings.Cut(name, "/")
	switch {
	case !slashed:
		return "docker.io/library/" + name
	case strings.ContainsAny(host, ".:") || host == "localhost":
		return name
	}
	return "docker.io/" + name
}

func (a *app) rmi(name string) *cobra.Command {
	var force bool
	cmd := a.many(name+" [OPTIONS] IMAGE [IMAGE...]", "Remove images", func(ctx context.Context, e door, ref string) error {
		r, err := e.RemoveImage(ctx, ref, force)
		for _, gone := range r.Untagged {
			fmt.Fprintln(a.Out, "Untagged: "+a.safe(gone))
		}
		for _, gone := range r.Deleted {
			fmt.Fprintln(a.Out, "Deleted: "+a.safe(gone))
		}
		switch {
		case err == nil:
			return errSkip
		case force && errors.Is(err, engine.ErrNotFound):
			a.complain(err) // gone is what was asked for
			return errSkip
		}
		return err
	})
	cmd.Flags().BoolVarP(&force, "force", "f", false, "Also when names or stopped containers refer to it")
	return cmd
}

func (a *app) tag() *cobra.Command {
	return &cobra.Command{
		Use:   "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
		Short: "Give an image a further name",
		Args:  between(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			return e.Tag(cmd.Context(), args[0], args[1])
		},
	}
}

// historyRow is one instruction as history shows it.
type historyRow struct {
	Comment      string
	CreatedAt    string
	CreatedBy    string
	CreatedSince string
	ID           string
	Size         string
}

var historyTitles = headers{"Comment": "COMMENT", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY",
	"CreatedSince": "CREATED", "ID": "IMAGE", "Size": "SIZE"}

func (a *app) history() *cobra.Command {
	var quiet, noTrunc, human bool
	var format string
	cmd := &cobra.Command{
		Use:   "history [OPTIONS] IMAGE",
		Short: "List an image's instructions",
		Args:  between(1, 1),
	}
	f := cmd.Flags()
	f.BoolVarP(&quiet, "quiet", "q", false, "Only IDs")
	f.BoolVar(&noTrunc, "no-trunc", false, "Whole IDs and instructions")
	f.BoolVarP(&human, "human", "H", true, "Sizes and dates for people")
	f.StringVar(&format, "format", "", "table, json, or a Go `template`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		list, err := e.History(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		rows := []historyRow{}
		for _, h := range list {
			rows = append(rows, a.historyRow(h, noTrunc, human))
		}
		table := `{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`
		if !human {
			table = `{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`
		}
		return printRows(a.Out, view{format: format, quiet: quiet, titles: historyTitles, table: table}, rows)
	}
	return cmd
}

func (a *app) historyRow(h engine.HistoryEntry, full, human bool) historyRow {
	row := historyRow{ID: h.ID, Comment: a.safe(h.Comment), CreatedBy: a.safe(strings.ReplaceAll(h.CreatedBy, "\t", " ")),
		CreatedSince: ago(a.now(), h.Created), CreatedAt: "N/A", Size: units.HumanSizeWithPrecision(float64(h.Size), 3)}
	if !human {
		row.Size = fmt.Sprint(h.Size)
	}
	if row.CreatedSince != "N/A" {
		row.CreatedAt = h.Created.Local().Format("2006-01-02T15:04:05Z07:00")
	}
	if !full {
		row.CreatedBy = ellipsis(row.CreatedBy, 45)
		if strings.Contains(h.ID, ":") {
			row.ID = shortID(h.ID)
		}
	}
	return row
}
