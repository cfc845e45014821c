// Package credentials knows who we are at registries. It shares Docker's
// config.json and its credential helpers, and reads Podman's auth.json. A
// secret is written to a file only when that was asked for; otherwise a helper
// keeps it. The package never talks to a registry.
package credentials

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"gantry/internal/termsafe"
)

// Hub is Docker Hub's key in all files and helpers, for historical reasons.
const Hub = "https://index.docker.io/v1/"

// tokenUser is the name that marks a secret as an identity token.
const tokenUser = "<token>"

// Credential is a name with its secret, or an identity token without a name.
type Credential struct {
	Username, Password string
	IdentityToken      string
	RegistryToken      string
}

// Store is the files credentials are in.
type Store struct {
	path string   // Docker's config.json
	also []string // files that are only read
}

// New returns the store at Docker's config.json, with further files to read.
func New(path string, also ...string) *Store { return &Store{path: path, also: also} }

// Default returns the store the environment points to: $DOCKER_CONFIG or
// ~/.docker, then $REGISTRY_AUTH_FILE, Podman's runtime file and its lasting one.
func Default() *Store {
	home, _ := os.UserHomeDir() // "" makes a path that is not there
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		dir = filepath.Join(home, ".docker")
	}
	also := []string{os.Getenv("REGISTRY_AUTH_FILE")}
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		also = append(also, filepath.Join(run, "containers", "auth.json"))
	} else if os.Geteuid() == 0 {
		also = append(also, "/run/containers/0/auth.json")
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	return New(filepath.Join(dir, "config.json"), append(also, filepath.Join(config, "containers", "auth.json"))...)
}

// Path is the file that credentials are written to.
func (s *Store) Path() string { return s.path }

// Get returns what is known for host[:port][/repository], or false.
func (s *Store) Get(ctx context.Context, place string) (Credential, bool, error) {
	for _, path := range append([]string{s.path}, s.also...) {
		if path == "" {
			continue
		}
		f, err := read(path)
		if err != nil {
			return Credential{}, false, err
		}
		for _, key := range widening(place) {
			c, found, err := s.from(ctx, f, key)
			if err != nil || found {
				return c, found, err
			}
		}
	}
	return Credential{}, false, nil
}

// widening lists the keys a place may be found under, the narrowest first.
// Podman has credentials for namespaces too.
func widening(place string) []string {
	place = plain(place)
	keys := []string{place}
	for {
		slash := strings.LastIndexByte(place, '/')
		if slash < 0 {
			return keys
		}
		place = place[:slash]
		keys = append(keys, place)
	}
}

// plain is a key of a file, or a registry's address, without what does not
// distinguish registries: docker.io for all names of Docker Hub.
func plain(key string) string {
	if _, rest, found := strings.Cut(key, "://"); found {
		key = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(rest, "/"), "/v1"), "/v2")
	}
	key = strings.TrimSuffix(key, "/")
	host, path, slashed := strings.Cut(key, "/")
	if host == "index.docker.io" || host == "registry-1.docker.io" {
		host = "docker.io"
	}
	if slashed {
		return host + "/" + path
	}
	return host
}

// formal is a plain key as Docker writes it.
func formal(key string) string {
	if key = plain(key); key == "docker.io" {
		return Hub
	}
	return key
}

// from looks in one file and the helper it names for the key.
func (s *Store) from(ctx context.Context, f *file, key string) (Credential, bool, error) {
	if name, own := f.helper(key); name != "" && (own || !strings.Contains(key, "/")) {
		c, found, err := s.ask(ctx, name, formal(key))
		if err != nil {
			return Credential{}, false, fmt.Errorf("%s, which %s names: %w", program(name), f.path, err)
		}
		if found || own {
			return c, found, nil
		}
	}
	for k, e := range f.Auths {
		if plain(k) != key || e.empty() {
			continue
		}
		c, err := e.credential()
		if err != nil {
			return Credential{}, false, fmt.Errorf("%s: the entry for %s: %w", f.path, termsafe.Line(k), err)
		}
		return c, true, nil
	}
	return Credential{}, false, nil
}

func (e entry) empty() bool { return e == entry{} }

func (e entry) credential() (Credential, error) {
	c := Credential{Username: e.Username, Password: e.Password, IdentityToken: e.IdentityToken, RegistryToken: e.RegistryToken}
	if e.Auth == "" {
		return c, nil
	}
	both, err := base64.StdEncoding.DecodeString(e.Auth)
	if err != nil {
		return c, errors.New("auth is not base64")
	}
	name, secret, found := strings.Cut(string(both), ":")
	if !found {
		return c, errors.New("auth is not name:password")
	}
	c.Username, c.Password = name, strings.TrimRight(secret, "\x00")
	return c, nil
}

// Resolve makes the store a keychain.
func (s *Store) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return s.ResolveContext(context.Background(), r)
}

// ResolveContext finds who we are at a repository.
func (s *Store) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	c, found, err := s.Get(ctx, r.String())
	if err != nil || !found {
		return authn.Anonymous, err
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: c.Username, Password: c.Password, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
	}), nil
}
