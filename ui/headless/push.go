package headless

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// registryDoor is what the commands that talk to registries need.
type registryDoor interface {
	PullAll(ctx context.Context, name string, o engine.PullOptions, sink engine.Sink) ([]engine.Image, error)
	Push(ctx context.Context, name string, o engine.PushOptions, sink engine.Sink) ([]engine.Pushed, error)
	Login(ctx context.Context, o engine.LoginOptions) (engine.LoggedIn, error)
	LoginPlace(registry string, plainText bool) (engine.LoggedIn, error)
	Logout(ctx context.Context, registry string) (host string, found bool, elsewhere string, err error)
	Search(ctx context.Context, term string, limit int, insecure bool) ([]engine.Found, error)
	CreateList(ctx context.Context, name string, members []string, amend, insecure bool) (string, error)
	Annotate(ctx context.Context, list, manifest string, a engine.Annotation) error
	InspectManifest(ctx context.Context, list, name string, all, insecure bool) ([]engine.ManifestInfo, error)
	PushList(ctx context.Context, name string, purge, insecure bool, sink engine.Sink) (engine.Pushed, error)
	RemoveList(ctx context.Context, name string) error
}

func (a *app) push() *cobra.Command {
	var o engine.PushOptions
	var platform string
	cmd := &cobra.Command{
		Use:   "push [OPTIONS] NAME[:TAG]",
		Short: "Send an image to its registry",
		Args:  between(1, 1),
	}
	f := cmd.Flags()
	f.BoolVarP(&o.AllTags, "all-tags", "a", false, "Every tag of the repository")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Show no progress")
	f.StringVar(&platform, "platform", "", "Only the image for `os/arch[/variant]`")
	f.BoolVar(&o.Insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
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
		return a.pushImage(ctx, e, args[0], o)
	}
	return cmd
}

func (a *app) pushImage(ctx context.Context, e registryDoor, name string, o engine.PushOptions) error {
	if _, tag := splitName(name); tag == "" && !o.AllTags && !o.Quiet {
		fmt.Fprintln(a.Err, "Using default tag: latest")
	}
	p := a.progress(o.Quiet)
	repository, _ := splitName(fullName(name))
	p.lead = "The push refers to repository [" + repository + "]"
	done, err := e.Push(ctx, name, o, p)
	p.finish()
	for _, d := range done {
		a.pushed(d, o.Quiet)
	}
	return err
}

// pushed says what a registry has now.
func (a *app) pushed(d engine.Pushed, quiet bool) {
	if d.Note != "" {
		fmt.Fprintln(a.Err, engine.Printable("Note: "+d.Note))
	}
	if quiet {
		fmt.Fprintln(a.Out, a.safe(d.Name))
		return
	}
	fmt.Fprintf(a.Out, "%s: digest: %s size: %d\n", d.Tag, d.Digest, d.Size)
}

func (a *app) pullAll(ctx context.Context, e registryDoor, name string, o engine.PullOptions) error {
	p := a.progress(o.Quiet)
	done, err := e.PullAll(ctx, name, o, p)
	p.finish()
	if len(done) > 0 && !o.Quiet {
		fmt.Fprintf(a.Out, "Status: Downloaded newer image for %s\n", a.safe(strings.TrimSuffix(name, "/")))
	}
	if err == nil {
		fmt.Fprintln(a.Out, a.safe(fullName(name)))
	}
	return err
}
