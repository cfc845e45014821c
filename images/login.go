package images

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gantry/images/credentials"
	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/store"
)

// LoginOptions say who logs in where.
type LoginOptions struct {
	Registry  string // host[:port]; "" is Docker Hub
	Username  string // "" with an empty Password: who is stored already
	Password  string
	PlainText bool // store the password readable where no helper keeps it
	Insecure  bool // allow plain HTTP and unverified TLS for this registry
}

// LoggedIn says where a login is kept.
type LoggedIn struct {
	Registry string // host[:port]
	Username string
	Path     string // the config file, "" when nothing new was stored
	Helper   string // the program that keeps the secret; "" is Path itself
}

// ErrNoLogin is a login without a name where nobody is known yet.
var ErrNoLogin = errors.New("no credentials are stored")

// Login asks the registry whether it knows somebody, and only then stores the
// credential.
func (im *Images) Login(ctx context.Context, o LoginOptions) (LoggedIn, error) {
	host, err := registryHost(o.Registry)
	if err != nil {
		return LoggedIn{}, err
	}
	known := credentials.Default()
	who := credentials.Credential{Username: o.Username, Password: o.Password}
	stored := o.Username == "" && o.Password == ""
	if stored {
		var found bool
		if who, found, err = known.Get(ctx, host); err != nil {
			return LoggedIn{}, err
		}
		if !found || who.Password == "" {
			return LoggedIn{}, fmt.Errorf("%s: %w", host, ErrNoLogin)
		}
	}
	if who.Username == "" || who.Password == "" {
		return LoggedIn{}, say(store.ErrInvalid, "a login needs a username and a password")
	}
	if _, err := known.PlaceFor(host, o.PlainText || stored); err != nil {
		return LoggedIn{}, err
	}
	if err := im.verify(ctx, host, who, o.Insecure); err != nil {
		return LoggedIn{}, err
	}
	if stored {
		return LoggedIn{Registry: host, Username: who.Username}, nil
	}
	place, err := known.Put(ctx, host, who, o.PlainText)
	if err != nil {
		return LoggedIn{}, err
	}
	return LoggedIn{Registry: host, Username: who.Username, Path: place.Path, Helper: place.Helper}, nil
}

func (im *Images) verify(ctx context.Context, host string, who credentials.Credential, insecure bool) error {
	repo, err := im.reg.OpenFor(ctx, reference.Ref{Domain: host}, registry.Access{
		Insecure: insecure, As: &registry.Login{Username: who.Username, Password: who.Password},
	})
	if err == nil {
		defer repo.Close()
		err = repo.Verify(ctx)
	}
	if errors.Is(err, registry.ErrDenied) {
		return say(registry.ErrDenied, "login at %s was refused: unauthorized: incorrect username or password", host)
	}
	return err
}

// LoginPlace says where a login at a registry would be kept, or why it cannot:
// nothing is asked of anybody before that is known.
func (im *Images) LoginPlace(where string, plainText bool) (LoggedIn, error) {
	host, err := registryHost(where)
	if err != nil {
		return LoggedIn{}, err
	}
	place, err := credentials.Default().PlaceFor(host, plainText)
	return LoggedIn{Registry: host, Path: place.Path, Helper: place.Helper}, err
}

// Logout forgets the credential for a registry. It reports whether there was
// one, and names a file of another tool that still has one.
func (im *Images) Logout(ctx context.Context, where string) (host string, found bool, elsewhere string, err error) {
	if host, err = registryHost(where); err != nil {
		return "", false, "", err
	}
	known := credentials.Default()
	found, err = known.Erase(ctx, host)
	return host, found, known.Elsewhere(host), err
}

// registryHost reads a registry's address as people write it, also as a URL.
func registryHost(s string) (string, error) {
	host := strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	host, _, _ = strings.Cut(host, "/")
	switch host {
	case "", "index.docker.io", "registry-1.docker.io", reference.Hub:
		return reference.Hub, nil
	}
	ref, err := reference.Parse(host + "/x")
	if err != nil || ref.Domain != host {
		return "", say(store.ErrInvalid, "%q is not a registry: write host or host:port", s)
	}
	return host, nil
}
