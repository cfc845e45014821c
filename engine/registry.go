package engine

import (
	"context"

	"gantry/images"
)

// What commands see of registries.
type (
	RegistryHost = images.RegistryHost
	PushOptions  = images.PushOptions
	Pushed       = images.Pushed
	LoginOptions = images.LoginOptions
	LoggedIn     = images.LoggedIn
	Found        = images.Found
	Annotation   = images.Annotation
	ManifestInfo = images.ManifestInfo
)

// ErrNoLogin is a login without a name where nobody is known yet.
var ErrNoLogin = images.ErrNoLogin

// PullAll fetches every tag of a repository.
func (e *Engine) PullAll(ctx context.Context, name string, o PullOptions, sink Sink) ([]Image, error) {
	if err := e.store.SweepTemp(ctx); err != nil {
		return nil, err
	}
	return e.images.PullAll(ctx, name, o, sink)
}

// Push sends images to the registry of their name.
func (e *Engine) Push(ctx context.Context, name string, o PushOptions, sink Sink) ([]Pushed, error) {
	return e.images.Push(ctx, name, o, sink)
}

// Login asks a registry whether it knows somebody, and then remembers that.
func (e *Engine) Login(ctx context.Context, o LoginOptions) (LoggedIn, error) {
	return e.images.Login(ctx, o)
}

// LoginPlace says where a login at a registry would be kept, or why it cannot.
func (e *Engine) LoginPlace(registry string, plainText bool) (LoggedIn, error) {
	return e.images.LoginPlace(registry, plainText)
}

// Logout forgets who we are at a registry. It reports whether that was known,
// and names a file of another tool that still has it.
func (e *Engine) Logout(ctx context.Context, registry string) (host string, found bool, elsewhere string, err error) {
	return e.images.Logout(ctx, registry)
}

// Search looks for repositories on Docker Hub, or on the registry that term
// starts with.
func (e *Engine) Search(ctx context.Context, term string, limit int, insecure bool) ([]Found, error) {
	return e.images.Search(ctx, term, limit, insecure)
}

// CreateList starts a local list of manifests, or with amend adds to it.
func (e *Engine) CreateList(ctx context.Context, name string, members []string, amend, insecure bool) (string, error) {
	return e.images.CreateList(ctx, name, members, amend, insecure)
}

// Annotate changes what a local list says about one of its manifests.
func (e *Engine) Annotate(ctx context.Context, list, manifest string, a Annotation) error {
	return e.images.Annotate(ctx, list, manifest, a)
}

// InspectManifest returns a local list, or what a registry serves for a name.
func (e *Engine) InspectManifest(ctx context.Context, list, name string, all, insecure bool) ([]ManifestInfo, error) {
	return e.images.InspectManifest(ctx, list, name, all, insecure)
}

// PushList pushes a local list and what it needs.
func (e *Engine) PushList(ctx context.Context, name string, purge, insecure bool, sink Sink) (Pushed, error) {
	return e.images.PushList(ctx, name, purge, insecure, sink)
}

// RemoveList forgets a local list.
func (e *Engine) RemoveList(ctx context.Context, name string) error {
	return e.images.RemoveList(ctx, name)
}
