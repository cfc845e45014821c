package headless

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/engine"
)

var pushedDigest = digest.FromString("pushed")

func (f *fakeEngine) PullAll(ctx context.Context, name string, o engine.PullOptions, sink engine.Sink) ([]engine.Image, error) {
	f.note("pull all %s %+v", name, o)
	img, err := f.Image(ctx, name)
	return []engine.Image{img}, err
}

func (f *fakeEngine) Push(ctx context.Context, name string, o engine.PushOptions, sink engine.Sink) ([]engine.Pushed, error) {
	f.note("push %s %+v", name, o)
	if _, err := f.Image(ctx, name); err != nil {
		return nil, err
	}
	for _, s := range f.pulls {
		s.Action = "Pushed"
		sink.Step(s)
	}
	d := engine.Pushed{Name: "docker.io/library/" + tagged(name), Tag: "latest", Digest: pushedDigest, Size: 527}
	if o.Platform != "" {
		d.Note = "only one platform"
	}
	return []engine.Pushed{d}, nil
}

func (f *fakeEngine) Login(_ context.Context, o engine.LoginOptions) (engine.LoggedIn, error) {
	f.note("login %s %s %s plain:%v", o.Registry, o.Username, o.Password, o.PlainText)
	switch {
	case o.Username == "" && o.Registry != "known.example":
		return engine.LoggedIn{}, fmt.Errorf("docker.io: %w", engine.ErrNoLogin)
	case o.Username == "":
		return engine.LoggedIn{Username: "ann"}, nil
	case o.Password != "typed":
		return engine.LoggedIn{}, fmt.Errorf("login at %s was refused", o.Registry)
	}
	in := engine.LoggedIn{Path: "/root/.docker/config.json"}
	if !o.PlainText {
		in.Helper = "docker-credential-test"
	}
	return in, nil
}

func (f *fakeEngine) LoginPlace(registry string, plainText bool) (engine.LoggedIn, error) {
	if registry == "plain.example" && !plainText {
		return engine.LoggedIn{}, fmt.Errorf("no credential helper is configured")
	}
	return engine.LoggedIn{}, nil
}

func (f *fakeEngine) Logout(_ context.Context, registry string) (string, bool, string, error) {
	f.note("logout %s", registry)
	if registry == "" {
		return "docker.io", true, "", nil
	}
	return registry, false, "/run/containers/0/auth.json", nil
}

func (f *fakeEngine) Search(_ context.Context, term string, limit int, insecure bool) ([]engine.Found, error) {
	f.note("search %s %d %v", term, limit, insecure)
	return []engine.Found{
		{Name: "busybox", Description: "Busybox base image.", Stars: 3400, Official: true},
		{Name: "team/busybox", Description: "A description that goes on for much longer than a table has room for", Stars: 2},
	}, nil
}

func (f *fakeEngine) CreateList(_ context.Context, name string, members []string, amend, insecure bool) (string, error) {
	f.note("create list %s %v %v %v", name, members, amend, insecure)
	return "docker.io/library/" + tagged(name), nil
}

func (f *fakeEngine) Annotate(_ context.Context, list, manifest string, a engine.Annotation) error {
	f.note("annotate %s %s %+v", list, manifest, a)
	return nil
}

func (f *fakeEngine) InspectManifest(_ context.Context, list, name string, all, insecure bool) ([]engine.ManifestInfo, error) {
	f.note("inspect manifest %q %s %v %v", list, name, all, insecure)
	raw := []byte(`{"schemaVersion":2,"mediaType":"` + v1.MediaTypeImageManifest + `"}`)
	desc := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	return []engine.ManifestInfo{{Ref: name, Desc: desc, Raw: raw}}, nil
}

func (f *fakeEngine) PushList(_ context.Context, name string, purge, insecure bool, _ engine.Sink) (engine.Pushed, error) {
	f.note("push list %s %v %v", name, purge, insecure)
	return engine.Pushed{Digest: pushedDigest}, nil
}

func (f *fakeEngine) RemoveList(_ context.Context, name string) error {
	f.note("rm list %s", name)
	if name == "nope" {
		return fmt.Errorf("No such manifest: nope: %w", engine.ErrNotFound)
	}
	return nil
}
