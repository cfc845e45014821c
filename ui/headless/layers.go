package headless

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

// Exit codes of the commands that look into images: a script can tell an image
// that broke a rule from one that could not be read.
const (
	exitRule       = 1
	exitUsage      = 2
	exitUnreadable = 3
)

// inspector is an engine that looks into images.
type inspector interface {
	LayerIndex(ctx context.Context, source string) (*engine.LayerIndex, error)
	CompareImages(ctx context.Context, a, b string) (*engine.ImageDiff, error)
}

// inspectorCommands are layers, diff-images and check.
func (a *app) inspectorCommands() []*cobra.Command {
	all := []*cobra.Command{a.layers(), a.diffImages(), a.check()}
	for _, c := range all {
		c.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misuse(cmd, err) })
		args := c.Args
		c.Args = func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return misuse(cmd, err)
			}
			return nil
		}
	}
	return all
}

func misuse(cmd *cobra.Command, err error) error {
	return &failure{code: exitUsage, err: err, help: cmd.CommandPath()}
}

// unreadable is an image that cannot be looked into.
func unreadable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &failure{code: exitUnreadable, err: err, late: true}
}

func (a *app) inspector(ctx context.Context) (inspector, error) {
	e, err := a.engine(ctx)
	if err != nil {
		return nil, unreadable(err)
	}
	i, ok := e.(inspector)
	if !ok {
		return nil, errors.New("this engine cannot look into images")
	}
	return i, nil
}

type layersOptions struct {
	json, tree  bool
	layer, path string
}

const sources = `
IMAGE is the name or ID of an image in the store, oci:DIR, docker-archive:FILE,
oci-archive:FILE (:NAME or :@NUMBER behind DIR or FILE where there are several),
registry://REF, which is not pulled, or the path of such a directory or file.`

func (a *app) layers() *cobra.Command {
	var o layersOptions
	cmd := &cobra.Command{
		Use:   "layers [OPTIONS] IMAGE",
		Short: "Show what each instruction put into an image",
		Long:  "Show what each instruction put into an image, and what of it is stored for nothing.\n" + sources,
		Args:  between(1, 1),
	}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "Write JSON")
	f.BoolVar(&o.tree, "tree", false, "List files")
	f.StringVar(&o.layer, "layer", "", "List what layer `N` or layers A..B changed")
	f.StringVar(&o.path, "path", "", "Show which instructions made, changed and removed a `path`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		return errors.Join(a.showLayers(cmd, x, o), x.Close())
	}
	return cmd
}

func (a *app) showLayers(cmd *cobra.Command, x *engine.LayerIndex, o layersOptions) error {
	if o.path != "" {
		return a.pathHistory(x, o)
	}
	if !o.tree && o.layer == "" {
		if o.json {
			return printJSON(a.jsonOut(), imageReport{Source: x.Name(), Layers: numbered(x.Layers()), Stats: x.Stats()})
		}
		return a.layerTable(x)
	}
	from, to, err := layerRange(o.layer, len(x.Layers()))
	if err != nil {
		return misuse(cmd, err)
	}
	view := engine.LayerViewOptions{Flat: true}
	if o.layer != "" {
		view.Hide = map[engine.PathClass]bool{engine.PathUnmodified: true}
	}
	v, err := x.View(from, to, view)
	if err != nil {
		return err
	}
	return a.fileList(v, o.json)
}

// layerRange reads N or A..B, counted from 1; "" is all layers.
func layerRange(s string, layers int) (from, to int, err error) {
	if s == "" {
		return 0, layers - 1, nil
	}
	first, last, isRange := strings.Cut(s, "..")
	if !isRange {
		last = first
	}
	from, err = strconv.Atoi(first)
	if err == nil {
		to, err = strconv.Atoi(last)
	}
	if err != nil || from < 1 || to < from || to > layers {
		return 0, 0, fmt.Errorf("--layer %s: give N or A..B within 1..%d", s, layers)
	}
	return from - 1, to - 1, nil
}

type imageReport struct {
	Source string            `json:"source"`
	Layers []numberedLayer   `json:"layers"`
	Stats  engine.LayerStats `json:"stats"`
}

// numberedLayer has the number people give to --layer.
type numberedLayer struct {
	Number int `json:"number"`
	engine.LayerInfo
}

func numbered(layers []engine.LayerInfo) []numberedLayer {
	out := []numberedLayer{}
	for i, l := range layers {
		out = append(out, numberedLayer{i + 1, l})
	}
	return out
}

func humanSize(n int64) string { return units.HumanSizeWithPrecision(float64(n), 4) }

func (a *app) layerTable(x *engine.LayerIndex) error {
	w := tabwriter.NewWriter(a.Out, 4, 1, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "#\tSIZE\tADDED\tKILLS\tDIED LATER\tCREATED\t  INSTRUCTION")
	for i, l := range x.Layers() {
		cells := []string{"-", "-", "-", "-"}
		if !l.Empty {
			cells = []string{humanSize(l.Size), humanSize(l.Added), humanSize(l.Killed), humanSize(l.DiedLater)}
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t  %s\n", i+1, strings.Join(cells, "\t"), ago(a.now(), l.Created), ellipsis(l.Instruction, 100))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.Out)
	return a.costs(x.Stats())
}

// costs sums up what is stored for nothing.
func (a *app) costs(s engine.LayerStats) error {
	fmt.Fprintf(a.Out, "%s in files, %s of them reclaimable (%.2f %%)\n", humanSize(s.Size), humanSize(s.Reclaimable),
		100*(1-s.Efficiency))
	fmt.Fprintf(a.Out, "by dive's count: efficiency %.4f %%, wasted %s, of the user's bytes %.4f %%\n",
		100*s.Dive.Efficiency, humanSize(s.Dive.WastedBytes), 100*s.Dive.UserWastedPercent)
	if len(s.Waste) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(a.Out, 4, 1, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nRECLAIMABLE\tCOPIES\t  PATH")
	for _, p := range s.Waste[:min(10, len(s.Waste))] {
		fmt.Fprintf(w, "%s\t%d\t  /%s\n", humanSize(p.Reclaimable), p.Versions, p.Path)
	}
	return w.Flush()
}

// jsonRow is a path in a listing.
type jsonRow struct {
	Path  string           `json:"path"`
	Class engine.PathClass `json:"class"`
	Kind  engine.PathKind  `json:"kind"`
	Flags []string         `json:"flags,omitempty"`
	Mode  string           `json:"mode"`
	UID   int              `json:"uid"`
	GID   int              `json:"gid"`
	Size  int64            `json:"size"`
	Link  string           `json:"link,omitempty"`
	Layer int              `json:"layer"`
}

// fileList writes a view, a path a line.
func (a *app) fileList(v *engine.LayerView, asJSON bool) error {
	rows := []jsonRow{}
	w := tabwriter.NewWriter(a.Out, 4, 1, 2, ' ', 0)
	const chunk = 1000
	for first := 0; first < v.Len(); first += chunk {
		for _, r := range v.Rows(first, chunk) {
			mode := engine.FileMode(r.Kind, r.Mode)
			if asJSON {
				rows = append(rows, jsonRow{Path: r.Path, Class: r.Class, Kind: r.Kind, Flags: r.Flags.Names(), Mode: mode,
					UID: r.UID, GID: r.GID, Size: r.Size, Link: r.Link, Layer: r.Layer + 1})
				continue
			}
			name := r.Path
			if r.Link != "" {
				name += " -> " + r.Link
			}
			if names := r.Flags.Names(); len(names) > 0 {
				name += "  [" + strings.Join(names, ",") + "]"
			}
			fmt.Fprintf(w, "%s %s\t%d:%d\t%s\t%s\n", r.Class.Letter(), mode, r.UID, r.GID, humanSize(r.Size), name)
		}
	}
	if asJSON {
		return printJSON(a.jsonOut(), rows)
	}
	return w.Flush()
}

// jsonVersion is one thing an instruction did to a path.
type jsonVersion struct {
	Layer       int    `json:"layer"`
	Died        int    `json:"died,omitempty"`
	Instruction string `json:"instruction"`
	engine.PathVersion
}

func (a *app) pathHistory(x *engine.LayerIndex, o layersOptions) error {
	versions := x.Path(o.path)
	if len(versions) == 0 {
		return &failure{code: 1, err: fmt.Errorf("%s: no such path in %s", o.path, x.Name())}
	}
	layers, out := x.Layers(), []jsonVersion{}
	w := tabwriter.NewWriter(a.Out, 4, 1, 2, ' ', 0)
	for _, v := range versions {
		l := layers[v.Layer]
		out = append(out, jsonVersion{v.Layer + 1, v.Died + 1, l.Instruction, v})
		mode, size := "-", "-"
		if v.Kind != engine.KindGone {
			mode, size = engine.FileMode(v.Kind, v.Mode), humanSize(v.Size)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", v.Layer+1, v.Class, mode, size, ellipsis(l.Instruction, 100))
	}
	if o.json {
		return printJSON(a.jsonOut(), out)
	}
	return w.Flush()
}
