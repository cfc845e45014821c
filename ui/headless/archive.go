package headless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// archiver is an engine that writes and reads images as files.
type archiver interface {
	Save(ctx context.Context, refs []string, o engine.SaveOptions) error
	Load(ctx context.Context, o engine.LoadOptions, sink engine.Sink) ([]engine.Loaded, error)
	Import(ctx context.Context, o engine.ImportOptions) (engine.Image, error)
	Export(ctx context.Context, ref string, w io.Writer) error
	Commit(ctx context.Context, ref, name string, o engine.CommitOptions) (engine.Image, error)
}

// able opens the engine and asks it for an ability.
func able[T any](ctx context.Context, a *app) (T, error) {
	e, err := a.engine(ctx)
	if err != nil {
		var none T
		return none, err
	}
	can, ok := e.(T)
	if !ok {
		err = errors.New("this engine cannot do that")
	}
	return can, err
}

func (a *app) save() *cobra.Command {
	var o engine.SaveOptions
	var output, format string
	cmd := &cobra.Command{
		Use:   "save [OPTIONS] IMAGE [IMAGE...]",
		Short: "Write images to an archive (standard output unless -o is given)",
		Args:  between(1, -1),
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "", "Write to this `file`, or directory for oci-dir")
	f.StringVar(&format, "format", "", "docker-archive or oci-archive, which are one and the same, or oci-dir")
	f.StringVar(&o.Platform, "platform", "", "Save the image for `os/arch[/variant]`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch format {
		case "", "docker-archive", "oci-archive":
			o.Path = output
		case "oci-dir":
			o.Dir = output
			if output == "" {
				return conflict("--format oci-dir needs a directory: -o DIR")
			}
		default:
			return conflict("unknown format '%s': docker-archive, oci-archive or oci-dir", format)
		}
		if output == "" && a.outTTY {
			return conflict("cowardly refusing to save to a terminal. Use the -o flag or redirect")
		}
		if err := parentOf(output); err != nil {
			return err
		}
		o.To = a.Out
		e, err := able[archiver](cmd.Context(), a)
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		return e.Save(ctx, args, o)
	}
	return cmd
}

// parentOf refuses an output file before any work when its directory is not
// there.
func parentOf(output string) error {
	if output == "" {
		return nil
	}
	if fi, err := os.Stat(filepath.Dir(output)); err != nil || !fi.IsDir() {
		return fmt.Errorf("invalid output path: directory %q does not exist", filepath.Dir(output))
	}
	return nil
}

func (a *app) load() *cobra.Command {
	var o engine.LoadOptions
	var quiet bool
	cmd := &cobra.Command{
		Use:   "load [OPTIONS]",
		Short: "Bring in images from an archive or standard input",
		Args:  between(0, 0),
	}
	f := cmd.Flags()
	f.StringVarP(&o.Path, "input", "i", "", "Read this `file`, or directory with an OCI layout")
	f.BoolVarP(&quiet, "quiet", "q", false, "Show no progress")
	f.StringVar(&o.Platform, "platform", "", "Load the image for `os/arch[/variant]`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.Path == "" && terminal(a.In) != nil {
			return conflict("requested load from stdin, but stdin is empty")
		}
		o.From = a.In
		e, err := able[archiver](cmd.Context(), a)
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		progress := a.progress(quiet)
		loaded, err := e.Load(ctx, o, progress)
		progress.finish()
		for _, l := range loaded {
			for _, name := range l.Ignored {
				a.warn("%s is no valid name and was left out", name)
			}
			for _, name := range l.Names {
				fmt.Fprintln(a.Out, "Loaded image: "+a.safe(name))
			}
			if len(l.Names) == 0 {
				fmt.Fprintln(a.Out, "Loaded image ID: "+l.ID.String())
			}
		}
		return err
	}
	return cmd
}

func (a *app) importImage() *cobra.Command {
	var o engine.ImportOptions
	cmd := &cobra.Command{
		Use:   "import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
		Short: "Make an image of the tar of a root filesystem",
		Args:  between(1, 2),
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.Changes, "change", "c", nil, "Apply a Dockerfile `instruction` to the image")
	f.StringVarP(&o.Message, "message", "m", "", "Comment in the image's history")
	f.StringVar(&o.Platform, "platform", "", "Platform the image is for: `os/arch[/variant]`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Source = args[0]
		if len(args) == 2 {
			o.Name = args[1]
		}
		switch {
		case args[0] == "-":
			o.From = a.In
		case !strings.HasPrefix(args[0], "http://") && !strings.HasPrefix(args[0], "https://"):
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			o.From = file
		}
		e, err := able[archiver](cmd.Context(), a)
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		img, err := e.Import(ctx, o)
		if err == nil {
			fmt.Fprintln(a.Out, img.ID)
		}
		return err
	}
	return cmd
}
