package headless

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) diffImages() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff-images [OPTIONS] IMAGE IMAGE",
		Short: "Show what differs between two images",
		Long:  "Show what was added (A), changed (M) and removed (R) from one image to another.\n" + sources,
		Args:  between(2, 2),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Write JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		e, err := a.inspector(ctx)
		if err != nil {
			return err
		}
		d, err := e.CompareImages(ctx, args[0], args[1])
		if err != nil {
			return unreadable(err)
		}
		return errors.Join(a.showDiff(d, asJSON), d.Close())
	}
	return cmd
}

func (a *app) showDiff(d *engine.ImageDiff, asJSON bool) error {
	v, err := d.View(engine.LayerViewOptions{Flat: true, Hide: map[engine.PathClass]bool{engine.PathUnmodified: true}})
	if err != nil {
		return err
	}
	if err := a.fileList(v, asJSON); err != nil || asJSON {
		return err
	}
	shared, layers := 0, 0
	for _, l := range d.B.Layers() {
		if !l.Empty {
			layers++
		}
		if l.Shared {
			shared++
		}
	}
	t := v.Totals()
	fmt.Fprintf(a.Err, "%d added (%s), %d changed (%s), %d removed (%s); %d of %d layers shared\n",
		t.Files[engine.PathAdded], humanSize(t.Bytes[engine.PathAdded]), t.Files[engine.PathChanged],
		humanSize(t.Bytes[engine.PathChanged]), t.Files[engine.PathRemoved], humanSize(t.Bytes[engine.PathRemoved]), shared, layers)
	return nil
}

// ruleNames are the rules as files and options call them.
var ruleNames = []string{"lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent", "highestReclaimableBytes"}

const defaultRules = ".dive-ci"

func (a *app) check() *cobra.Command {
	var asJSON bool
	var file string
	given := map[string]*string{}
	cmd := &cobra.Command{
		Use:   "check [OPTIONS] IMAGE",
		Short: "Check an image's waste against rules",
		Long: "Check an image's waste against the rules of .dive-ci, or of --rules. It ends with 0 when the\n" +
			"image passes, 1 when it breaks a rule, 2 when the rules are wrong, 3 when it cannot be read.\n" + sources,
		Args: between(1, 1),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Write JSON")
	cmd.Flags().StringVar(&file, "rules", "", "`file` of rules (default .dive-ci, where there is one)")
	for _, name := range ruleNames {
		given[name] = cmd.Flags().String(name, "", "Rule's `limit`, or disabled")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		rules, err := readRules(file)
		for _, name := range ruleNames {
			if err == nil && cmd.Flags().Changed(name) {
				err = rules.Set(name, *given[name])
			}
		}
		if err != nil {
			return misuse(cmd, err)
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		e, err := a.inspector(ctx)
		if err != nil {
			return err
		}
		x, err := e.LayerIndex(ctx, args[0])
		if err != nil {
			return unreadable(err)
		}
		return errors.Join(a.judge(x, rules, asJSON), x.Close())
	}
	return cmd
}

// readRules reads a rules file; the one in this directory need not be there.
func readRules(file string) (engine.CheckRules, error) {
	rules, optional := engine.DefaultCheckRules(), file == ""
	if optional {
		file = defaultRules
	}
	f, err := os.Open(file)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return rules, nil
	}
	if err != nil {
		return rules, err
	}
	defer f.Close()
	rules, err = engine.ParseCheckRules(f, rules)
	if err != nil {
		return rules, fmt.Errorf("%s: %w", file, err)
	}
	return rules, nil
}

type checkReport struct {
	Source string               `json:"source"`
	Passed bool                 `json:"passed"`
	Rules  []engine.CheckResult `json:"rules"`
	Stats  engine.LayerStats    `json:"stats"`
}

func (a *app) judge(x *engine.LayerIndex, rules engine.CheckRules, asJSON bool) error {
	s := x.Stats()
	results := s.Check(rules)
	passed := engine.CheckPassed(results)
	if asJSON {
		if err := printJSON(a.jsonOut(), checkReport{x.Name(), passed, results, s}); err != nil {
			return err
		}
	} else {
		for _, r := range results {
			limit := fmt.Sprintf("limit %.10g", r.Limit)
			if r.Outcome == engine.CheckSkip {
				limit = "disabled"
			}
			fmt.Fprintf(a.Out, "%s  %-24s  %.10g (%s)\n", strings.ToUpper(string(r.Outcome)), r.Rule, r.Value, limit)
		}
		if err := a.costs(s); err != nil {
			return err
		}
	}
	if !passed {
		return exit(exitRule)
	}
	return nil
}
