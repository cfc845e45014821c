package headless

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

// verifier is an engine that can compare its store with its digests.
type verifier interface {
	Verify(ctx context.Context, repair bool, sink engine.Sink) ([]engine.Problem, error)
}

func (a *app) verify(name string) *cobra.Command {
	var repair, quiet bool
	var format string
	cmd := &cobra.Command{
		Use:   name + " [OPTIONS]",
		Short: "Compare all images and layers with their digests",
		Long: `Compare all images and layers with their digests.

Ends with 0 when all is well or was repaired, and with 1 when something is not.`,
		Args: between(0, 0),
	}
	f := cmd.Flags()
	f.BoolVar(&repair, "repair", false, "Unpack damaged layers again, take away damaged blobs and what nothing needs")
	f.BoolVarP(&quiet, "quiet", "q", false, "Show no progress")
	f.StringVar(&format, "format", "", "json, or a Go `template`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		e, err := able[verifier](cmd.Context(), a)
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		progress := a.progress(quiet || !a.errTTY)
		found, err := e.Verify(ctx, repair, progress)
		progress.finish()
		if format != "" {
			if err := printRows(a.Out, view{format: format}, found); err != nil {
				return err
			}
		} else {
			a.problems(found)
		}
		if err != nil {
			return err
		}
		for _, p := range found {
			if !p.Repaired && (p.Kind != "orphan" || repair) {
				return exit(1)
			}
		}
		return nil
	}
	return cmd
}

// problems prints a line for each, orphans summed up.
func (a *app) problems(found []engine.Problem) {
	var orphans, bytes int64
	done := false
	for _, p := range found {
		if p.Kind == "orphan" {
			orphans, bytes, done = orphans+1, bytes+p.Bytes, p.Repaired
			continue
		}
		line := p.Kind + " " + p.ID
		if len(p.Images) > 0 {
			line += " of " + strings.Join(p.Images, ", ")
		}
		line += ": " + p.Detail
		switch {
		case p.Repaired:
			line += ": repaired"
		case p.Fix != "":
			line += ": " + p.Fix
		}
		fmt.Fprintln(a.Out, engine.Printable(line))
	}
	switch size := units.HumanSizeWithPrecision(float64(bytes), 3); {
	case len(found) == 0:
		fmt.Fprintln(a.Out, "all is well")
	case orphans > 0 && done:
		fmt.Fprintf(a.Out, "%d unneeded blobs and layers: %s deleted\n", orphans, size)
	case orphans > 0:
		fmt.Fprintf(a.Out, "%d unneeded blobs and layers: image prune frees %s\n", orphans, size)
	}
}
