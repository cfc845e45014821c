package headless

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// searchRow is a found repository as search shows it.
type searchRow struct {
	Name        string
	Description string
	StarCount   string
	IsOfficial  string
	IsAutomated string
}

var searchTitles = headers{"Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL",
	"IsAutomated": "AUTOMATED"}

func (a *app) search() *cobra.Command {
	var limit int
	var noTrunc, insecure bool
	var format string
	var filter []string
	cmd := &cobra.Command{
		Use:   "search [OPTIONS] TERM",
		Short: "Look for images on Docker Hub or another registry",
		Args:  between(1, 1),
	}
	f := cmd.Flags()
	f.IntVar(&limit, "limit", 25, "At most so many results, 1 to 100")
	f.BoolVar(&noTrunc, "no-trunc", false, "Whole descriptions")
	f.BoolVar(&insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
	f.StringVar(&format, "format", "", "table, json, or a Go `template`")
	f.StringArrayVarP(&filter, "filter", "f", nil, "Only what matches: `key=value` of stars, is-official, is-automated")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		keep, err := foundFilter(filter)
		if err != nil {
			return err
		}
		if _, err := parseTemplate(format); err != nil {
			return err
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		rows, err := a.find(ctx, e, args[0], limit, insecure, noTrunc, keep)
		if err != nil {
			return err
		}
		return printRows(a.Out, view{format: format, titles: searchTitles,
			table: `{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}`}, rows)
	}
	return cmd
}

func (a *app) find(ctx context.Context, e registryDoor, term string, limit int, insecure, full bool,
	keep func(engine.Found) bool) ([]searchRow, error) {
	found, err := e.Search(ctx, term, limit, insecure)
	if err != nil {
		return nil, err
	}
	rows := []searchRow{}
	for _, r := range found {
		if !keep(r) {
			continue
		}
		row := searchRow{Name: r.Name, Description: strings.Join(strings.Fields(r.Description), " "), StarCount: strconv.Itoa(r.Stars),
			IsOfficial: mark(r.Official), IsAutomated: mark(r.Automated)}
		if !full {
			row.Description = ellipsis(row.Description, 45)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func mark(yes bool) string {
	if yes {
		return "[OK]"
	}
	return ""
}

func foundFilter(list []string) (func(engine.Found) bool, error) {
	f, err := parseFilters(list, "is-automated", "is-official", "stars")
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"is-automated", "is-official"} {
		for _, v := range f[key] {
			if _, err := strconv.ParseBool(v); err != nil {
				return nil, fmt.Errorf("invalid filter '%s=%s': true or false", key, v)
			}
		}
	}
	least := 0
	for _, v := range f["stars"] {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("invalid filter 'stars=%s': a number", v)
		}
		least = max(least, n)
	}
	is := func(key string, have bool) bool {
		return f.any(key, func(v string) bool { want, _ := strconv.ParseBool(v); return want == have })
	}
	return func(r engine.Found) bool {
		return r.Stars >= least && is("is-official", r.Official) && is("is-automated", r.Automated)
	}, nil
}
