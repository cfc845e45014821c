package headless

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

// pruner is an engine that removes what nobody needs.
type pruner interface {
	PruneImages(ctx context.Context, o engine.PruneOptions) (engine.PruneResult, error)
	PruneContainers(ctx context.Context, o engine.PruneOptions) (engine.PruneResult, error)
	PruneVolumes(ctx context.Context, o engine.PruneOptions) (engine.PruneResult, error)
}

// pruning is one prune command.
type pruning struct {
	force, dryRun bool
	filter        []string
	all, volumes  bool
}

func (p *pruning) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&p.force, "force", "f", false, "Do not ask")
	f.BoolVar(&p.dryRun, "dry-run", false, "Only say what would go and how many bytes that frees")
	f.StringArrayVar(&p.filter, "filter", nil, "Only what matches: until=`time`, label=key[=value], label!=key[=value]")
}

// options reads the filters.
func (p *pruning) options(now time.Time) (engine.PruneOptions, error) {
	o := engine.PruneOptions{All: p.all, Labels: map[string]string{}, Not: map[string]string{}}
	for _, item := range p.filter {
		if rest, not := strings.CutPrefix(item, "label!="); not {
			key, value, _ := strings.Cut(rest, "=")
			o.Not[key] = value
			continue
		}
		f, err := parseFilters([]string{item}, "until", "label")
		if err != nil {
			return o, err
		}
		for _, label := range f["label"] {
			key, value, _ := strings.Cut(label, "=")
			o.Labels[key] = value
		}
		for _, when := range f["until"] {
			if o.Until, err = moment(when, now); err != nil {
				return o, fmt.Errorf("invalid filter 'until=%s': %w", when, err)
			}
		}
	}
	return o, nil
}

// moment reads a point in time: a duration ago, a date, or Unix seconds.
func moment(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	var seconds int64
	if n, err := fmt.Sscanf(s, "%d", &seconds); n == 1 && err == nil && strings.Trim(s, "0123456789") == "" {
		return time.Unix(seconds, 0), nil
	}
	return time.Time{}, fmt.Errorf("write 24h, 2026-01-31 or seconds since 1970")
}

// section is one kind of thing a prune removes.
type section struct {
	title string
	do    func(context.Context, engine.PruneOptions) (engine.PruneResult, error)
	o     engine.PruneOptions
	plain bool // without the words untagged and deleted
}

// run shows what will go, asks, and does it.
func (p *pruning) run(cmd *cobra.Command, a *app, warning string, sections []section) error {
	ctx, stop := a.interruptible(cmd.Context())
	defer stop()
	if p.dryRun || !p.force {
		bytes, err := p.preview(ctx, a, sections)
		if err != nil {
			return err
		}
		if p.dryRun {
			fmt.Fprintln(a.Out, "Would reclaim: "+human(bytes))
			return nil
		}
		fmt.Fprintf(a.Out, "WARNING! %s\nThis frees %s.\n", warning, human(bytes))
		if !a.confirmed() {
			fmt.Fprintln(a.Out, "Total reclaimed space: 0B")
			return nil
		}
	}
	var total int64
	busy := false
	for _, s := range sections {
		res, err := s.do(ctx, s.o)
		total += res.Bytes
		busy = busy || res.Busy
		a.pruned(s, res)
		if err != nil {
			return err
		}
	}
	if busy {
		a.warn("a pull, load or the like uses the store, so not all was removed: prune again when it is done")
	}
	fmt.Fprintln(a.Out, "Total reclaimed space: "+human(total))
	return nil
}

func human(bytes int64) string { return units.HumanSizeWithPrecision(float64(bytes), 4) }

// preview adds up what would be freed; a dry run also lists it.
func (p *pruning) preview(ctx context.Context, a *app, sections []section) (int64, error) {
	var total int64
	for _, s := range sections {
		o := s.o
		o.DryRun = true
		res, err := s.do(ctx, o)
		if err != nil {
			return 0, err
		}
		total += res.Bytes
		if p.dryRun {
			a.pruned(s, res)
		}
	}
	return total, nil
}

// pruned lists what went, in Docker's words.
func (a *app) pruned(s section, res engine.PruneResult) {
	if len(res.Untagged)+len(res.Deleted) == 0 {
		return
	}
	fmt.Fprintln(a.Out, s.title+":")
	for _, name := range res.Untagged {
		fmt.Fprintln(a.Out, "untagged: "+a.safe(name))
	}
	for _, id := range res.Deleted {
		if !s.plain {
			id = "deleted: " + id
		}
		fmt.Fprintln(a.Out, a.safe(id))
	}
	fmt.Fprintln(a.Out)
}

// confirmed asks on standard output and reads a line.
func (a *app) confirmed() bool {
	fmt.Fprint(a.Out, "Are you sure you want to continue? [y/N] ")
	if a.In == nil {
		return false
	}
	line, err := bufio.NewReader(io.LimitReader(a.In, 1000)).ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(a.Out)
	}
	return strings.EqualFold(strings.TrimSpace(line), "y")
}
