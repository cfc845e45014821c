package headless

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) export() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export [OPTIONS] CONTAINER",
		Short: "Write a container's file system as a tar (standard output unless -o is given)",
		Args:  between(1, 1),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "Write to this `file`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output == "" && a.outTTY {
			return conflict("cowardly refusing to save to a terminal. Use the -o flag or redirect")
		}
		if err := parentOf(output); err != nil {
			return err
		}
		e, err := able[archiver](cmd.Context(), a)
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		if output == "" {
			return e.Export(ctx, args[0], a.Out)
		}
		return toFile(output, func(w io.Writer) error { return e.Export(ctx, args[0], w) })
	}
	return cmd
}

// toFile writes a file that appears when it is complete; what is there and no
// regular file is written to as it is.
func toFile(path string, write func(io.Writer) error) error {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return write(f)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed, as it should
	err = write(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (a *app) commit() *cobra.Command {
	var o engine.CommitOptions
	pause := true
	cmd := &cobra.Command{
		Use:   "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
		Short: "Make an image of a container's changes",
		Args:  between(1, 2),
	}
	f := cmd.Flags()
	f.StringVarP(&o.Author, "author", "a", "", "Author of the image")
	f.StringVarP(&o.Message, "message", "m", "", "Comment in the image's history")
	f.StringArrayVarP(&o.Changes, "change", "c", nil, "Apply a Dockerfile `instruction` to the image")
	f.BoolVarP(&pause, "pause", "p", true, "Pause the container meanwhile")
	f.BoolVar(&o.NoPause, "no-pause", false, "Let the container run meanwhile")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.NoPause = o.NoPause || !pause
		name := ""
		if len(args) == 2 {
			name = args[1]
		}
		e, err := able[archiver](cmd.Context(), a)
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		img, err := e.Commit(ctx, args[0], name, o)
		if err == nil {
			fmt.Fprintln(a.Out, img.ID)
		}
		return err
	}
	return cmd
}
