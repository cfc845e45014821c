package headless

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

type imagesOptions struct {
	all, quiet, noTrunc, digests bool
	format                       string
	filter                       []string
}

func (a *app) images(name string) *cobra.Command {
	var o imagesOptions
	cmd := &cobra.Command{
		Use:   name + " [OPTIONS] [REPOSITORY[:TAG]]",
		Short: "List images",
		Args:  between(0, 1),
	}
	f := cmd.Flags()
	f.BoolVarP(&o.all, "all", "a", false, "Also images without a name")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "Only IDs")
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Whole IDs")
	f.BoolVar(&o.digests, "digests", false, "Show digests")
	f.StringVar(&o.format, "format", "", "table, json, or a Go `template`")
	f.StringArrayVarP(&o.filter, "filter", "f", nil, "Only what matches: `key=value`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.listImages(cmd.Context(), o, args) }
	return cmd
}

func (a *app) listImages(ctx context.Context, o imagesOptions, args []string) error {
	wanted, err := parseFilters(o.filter, "before", "dangling", "label", "reference", "since")
	if err != nil {
		return err
	}
	if _, err := parseTemplate(o.format); err != nil {
		return err
	}
	wanted["reference"] = append(wanted["reference"], args...)
	e, err := a.engine(ctx)
	if err != nil {
		return err
	}
	list, err := e.Images(ctx)
	if err != nil {
		return err
	}
	keep, err := imageFilter(ctx, e, wanted, o.all)
	if err != nil {
		return err
	}
	rows := []imageRow{}
	for _, img := range list {
		if keep(img) {
			rows = append(rows, a.imageRows(img, wanted["reference"], o)...)
		}
	}
	v := view{format: o.format, quiet: o.quiet, titles: imageTitles,
		table: `{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`}
	if o.digests {
		v.table = `{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`
	}
	return printRows(a.Out, v, rows)
}

// imageFilter returns what decides whether an image is listed at all.
func imageFilter(ctx context.Context, e imageStore, f filters, all bool) (func(engine.Image) bool, error) {
	var before, since time.Time
	for key, at := range map[string]*time.Time{"before": &before, "since": &since} {
		for _, ref := range f[key] {
			img, err := e.Image(ctx, ref)
			if err != nil {
				return nil, err
			}
			*at = img.Created
		}
	}
	hidden := !all // unnamed images, unless they are asked for
	for _, value := range f["dangling"] {
		if value != "true" && value != "false" && value != "1" && value != "0" {
			return nil, fmt.Errorf("invalid filter 'dangling=%s': true or false", value)
		}
		hidden = false
	}
	for _, glob := range f["reference"] {
		if _, err := path.Match(glob, ""); err != nil {
			return nil, fmt.Errorf("invalid filter 'reference=%s': %w", glob, err)
		}
	}
	return func(img engine.Image) bool {
		dangling := len(img.Names) == 0 && len(img.RepoDigests) == 0
		return !(hidden && len(img.Names) == 0 && dangling && img.Damaged == "") &&
			f.any("dangling", func(v string) bool { return (v == "true" || v == "1") == dangling }) &&
			f.labels(img.Config.Config.Labels) &&
			(before.IsZero() || img.Created.Before(before)) &&
			(since.IsZero() || img.Created.After(since))
	}, nil
}

// matchesReference reports whether a name, or its repository, fits one of the
// globs; no glob fits everything.
func matchesReference(globs []string, repository, tag string) bool {
	fits := func(name string) func(string) bool {
		return func(glob string) bool {
			glob = strings.TrimPrefix(strings.TrimPrefix(glob, "docker.io/"), "library/")
			ok, _ := path.Match(glob, name) // checked before
			return ok
		}
	}
	return len(globs) == 0 || slices.ContainsFunc(globs, fits(repository)) ||
		tag != "" && slices.ContainsFunc(globs, fits(repository+":"+tag))
}

// imageRow is one name of an image as images shows it. Its fields are what
// --format knows.
type imageRow struct {
	Containers   string
	CreatedAt    string
	CreatedSince string
	Digest       string
	ID           string
	Repository   string
	SharedSize   string
	Size         string
	Tag          string
	UniqueSize   string
	VirtualSize  string

	labels map[string]string
}

// Label is the value of one label.
func (r imageRow) Label(name string) string { return r.labels[name] }

var imageTitles = headers{"Containers": "CONTAINERS", "CreatedAt": "CREATED AT", "CreatedSince": "CREATED",
	"Digest": "DIGEST", "ID": "IMAGE ID", "Repository": "REPOSITORY", "SharedSize": "SHARED SIZE", "Size": "SIZE",
	"Tag": "TAG", "UniqueSize": "UNIQUE SIZE", "VirtualSize": "VIRTUAL SIZE"}

// imageRows is a row for each name; for each repository pulled by digest only;
// or one row without a name.
func (a *app) imageRows(img engine.Image, globs []string, o imagesOptions) []imageRow {
	base := imageRow{ID: shortID(img.ID.String()), Repository: none, Tag: none, Digest: none, Containers: "N/A",
		SharedSize: "N/A", UniqueSize: "N/A", Size: units.HumanSizeWithPrecision(float64(img.Size), 3),
		CreatedSince: ago(a.now(), img.Created), CreatedAt: "N/A", labels: a.safeLabels(img.Config.Config.Labels)}
	base.VirtualSize = base.Size
	if base.CreatedSince != "N/A" {
		base.CreatedAt = img.Created.Local().Format(createdLayout)
	}
	if o.noTrunc {
		base.ID = img.ID.String()
	}
	if img.Damaged != "" {
		base.Size = a.safe("damaged: " + img.Damaged)
	}
	digests := map[string]string{}
	for _, d := range img.RepoDigests {
		repository, digest, _ := strings.Cut(d, "@")
		digests[repository] = digest
	}
	var rows []imageRow
	add := func(repository, tag string) {
		if !matchesReference(globs, repository, tag) {
			return
		}
		row := base
		row.Repository = a.safe(repository)
		if tag != "" {
			row.Tag = a.safe(tag)
		}
		if d := digests[repository]; d != "" {
			row.Digest = a.safe(d)
		}
		rows = append(rows, row)
	}
	tagged := map[string]bool{}
	for _, name := range img.Names {
		repository, tag := splitName(name)
		tagged[repository] = true
		add(repository, tag)
	}
	for _, d := range img.RepoDigests {
		if repository, _, _ := strings.Cut(d, "@"); !tagged[repository] {
			add(repository, "")
		}
	}
	if len(img.Names) == 0 && len(img.RepoDigests) == 0 && len(globs) == 0 {
		rows = append(rows, base)
	}
	return rows
}
