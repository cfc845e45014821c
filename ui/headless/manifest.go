package headless

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"gantry/engine"
)

// manifestGroup puts lists of manifests together. Until it is pushed, a list is
// kept in the store.
func (a *app) manifestGroup() *cobra.Command {
	group := &cobra.Command{
		Use:   "manifest",
		Short: "Manage lists of images for several platforms",
		Args:  cobra.ArbitraryArgs, RunE: a.group,
	}
	group.AddCommand(a.manifestCreate(), a.manifestAnnotate(), a.manifestInspect(), a.manifestPush(), a.manifestRm())
	return group
}

func (a *app) manifestCreate() *cobra.Command {
	var amend, insecure bool
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] LIST MANIFEST [MANIFEST...]",
		Short: "Start a list of manifests",
		Args:  between(2, -1),
	}
	cmd.Flags().BoolVarP(&amend, "amend", "a", false, "Add to a list that is there")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
	cmd.RunE = a.talk(func(ctx context.Context, e door, args []string) error {
		name, err := e.CreateList(ctx, args[0], args[1:], amend, insecure)
		if err == nil {
			fmt.Fprintln(a.Out, "Created manifest list "+a.safe(name))
		}
		return err
	})
	return cmd
}

// talk makes a command of what may wait for a registry.
func (a *app) talk(do func(ctx context.Context, e door, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		return do(ctx, e, args)
	}
}

func (a *app) manifestAnnotate() *cobra.Command {
	var n engine.Annotation
	cmd := &cobra.Command{
		Use:   "annotate [OPTIONS] LIST MANIFEST",
		Short: "Change what a list says about a manifest",
		Args:  between(2, 2),
	}
	f := cmd.Flags()
	f.StringVar(&n.Architecture, "arch", "", "Architecture")
	f.StringVar(&n.OS, "os", "", "Operating system")
	f.StringVar(&n.OSVersion, "os-version", "", "Operating system's version")
	f.StringSliceVar(&n.OSFeatures, "os-features", nil, "Operating system's features")
	f.StringVar(&n.Variant, "variant", "", "Variant of the architecture")
	cmd.RunE = a.talk(func(ctx context.Context, e door, args []string) error {
		return e.Annotate(ctx, args[0], args[1], n)
	})
	return cmd
}

// manifestDetails is one manifest in Docker's field names.
type manifestDetails struct {
	Ref              string
	Descriptor       v1.Descriptor
	Raw              []byte
	SchemaV2Manifest json.RawMessage `json:",omitempty"`
	OCIManifest      json.RawMessage `json:",omitempty"`
}

func (a *app) manifestInspect() *cobra.Command {
	var verbose, insecure bool
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] [LIST] MANIFEST",
		Short: "Print a manifest or a list of manifests",
		Args:  between(1, 2),
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "Every manifest of a list, with its descriptor")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
	cmd.RunE = a.talk(func(ctx context.Context, e door, args []string) error {
		list, name := "", args[0]
		if len(args) == 2 {
			list, name = args[0], args[1]
		}
		found, err := e.InspectManifest(ctx, list, name, verbose, insecure)
		if err != nil {
			return err
		}
		return a.printManifests(found, verbose)
	})
	return cmd
}

func (a *app) printManifests(found []engine.ManifestInfo, verbose bool) error {
	if !verbose {
		var b bytes.Buffer
		if err := json.Indent(&b, bytes.TrimSpace(found[0].Raw), "", "   "); err != nil {
			return err
		}
		_, err := fmt.Fprintln(a.jsonOut(), b.String())
		return err
	}
	details := []manifestDetails{}
	for _, m := range found {
		d := manifestDetails{Ref: m.Ref, Descriptor: m.Desc, Raw: m.Raw}
		if strings.HasPrefix(m.Desc.MediaType, "application/vnd.docker.") {
			d.SchemaV2Manifest = m.Raw
		} else {
			d.OCIManifest = m.Raw
		}
		details = append(details, d)
	}
	if len(details) == 1 {
		return printJSON(a.jsonOut(), details[0])
	}
	return printJSON(a.jsonOut(), details)
}

func (a *app) manifestPush() *cobra.Command {
	var purge, insecure bool
	cmd := &cobra.Command{
		Use:   "push [OPTIONS] LIST",
		Short: "Send a list and its manifests to its registry",
		Args:  between(1, 1),
	}
	cmd.Flags().BoolVarP(&purge, "purge", "p", false, "Forget the list once it is pushed")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
	cmd.RunE = a.talk(func(ctx context.Context, e door, args []string) error {
		p := a.progress(false)
		done, err := e.PushList(ctx, args[0], purge, insecure, p)
		p.finish()
		if err == nil {
			fmt.Fprintln(a.Out, done.Digest)
		}
		return err
	})
	return cmd
}

func (a *app) manifestRm() *cobra.Command {
	return a.many("rm LIST [LIST...]", "Forget lists that are being put together",
		func(ctx context.Context, e door, name string) error {
			if err := e.RemoveList(ctx, name); err != nil {
				return err
			}
			return errSkip
		})
}
