// Package registry talks to OCI registries. Names' authentication comes from
// go-containerregistry; every byte goes through one transport of our own that
// knows time limits, retries, size limits and who may see credentials. What it
// returns is verified: a manifest has the digest that was asked for, a blob is
// a stream of exactly the descriptor's size (its digest is for the reader to
// check, who sees all bytes anyway). It stores nothing.
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gantry/images/reference"
	"gantry/internal/termsafe"
)

// Config says how to talk to registries. The zero value of a field means its
// default.
type Config struct {
	Keychain      authn.Keychain // default: Docker's and Podman's files and helpers
	UserAgent     string
	DialTimeout   time.Duration // 15 s, also for the TLS handshake
	HeaderTimeout time.Duration // 30 s from request to response header
	IdleTimeout   time.Duration // 60 s without a byte of a body
	Attempts      int           // 3 tries of one request
	Resumes       int           // 5 cuts of one blob without progress between
	Backoff       time.Duration // 1 s before the second try, then three times more
	MaxRetryAfter time.Duration // 60 s
	TLS           *tls.Config   // nil: the system's roots
}

func (c Config) withDefaults() Config {
	if c.Keychain == nil {
		c.Keychain = authn.DefaultKeychain
	}
	if c.UserAgent == "" {
		c.UserAgent = "gantry"
	}
	setDefault(&c.DialTimeout, 15*time.Second)
	setDefault(&c.HeaderTimeout, 30*time.Second)
	setDefault(&c.IdleTimeout, 60*time.Second)
	setDefault(&c.Attempts, 3)
	setDefault(&c.Resumes, 5)
	setDefault(&c.Backoff, time.Second)
	setDefault(&c.MaxRetryAfter, 60*time.Second)
	return c
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Client opens repositories. It is safe for concurrent use and holds nothing.
type Client struct{ cfg Config }

// New returns a client.
func New(cfg Config) *Client { return &Client{cfg.withDefaults()} }

// Repository is one repository of a registry, logged in for pulling. Close
// frees its connections.
type Repository struct {
	cfg   Config
	ref   reference.Ref
	host  string // as the registry is reached, index.docker.io for Docker Hub
	net   *network
	authd http.RoundTripper // adds credentials for host
}

// Open connects to ref's registry and logs in where it asks for that. insecure
// permits plain HTTP and certificates nobody vouches for.
func (c *Client) Open(ctx context.Context, ref reference.Ref, insecure bool) (*Repository, error) {
	var opts []name.Option
	if insecure {
		opts = append(opts, name.Insecure)
	}
	reg, err := name.NewRegistry(ref.Domain, opts...)
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", ref.Domain, cleaned(err))
	}
	repo := reg.Repo(strings.Split(ref.Path, "/")...)
	auth, err := authn.Resolve(ctx, c.cfg.Keychain, repo)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", ref.Domain, cleaned(err))
	}
	r := &Repository{cfg: c.cfg, ref: ref, host: reg.RegistryStr()}
	r.net = newNetwork(c.cfg, r.host, insecure)
	r.authd, err = ggcr.NewWithContext(ctx, reg, auth, r.net, []string{repo.Scope(ggcr.PullScope)})
	if err != nil {
		r.net.close()
		return nil, r.connectError(err)
	}
	return r, nil
}

// Close frees idle connections.
func (r *Repository) Close() { r.net.close() }

// connectError turns what the login came to into our words.
func (r *Repository) connectError(err error) error {
	var status *ggcr.Error
	if errors.As(err, &status) {
		if status.StatusCode == http.StatusNotFound {
			return fmt.Errorf("%s does not look like a registry: it answered 404", r.ref.Domain)
		}
		e := &Error{Host: r.ref.Domain, Ref: r.ref.Familiar(), Status: status.StatusCode}
		if len(status.Errors) > 0 {
			e.Code = clip(string(status.Errors[0].Code))
			e.Message = clip(status.Errors[0].Message)
		}
		return e
	}
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return fmt.Errorf("%s speaks plain HTTP: add --insecure to allow that", r.ref.Domain)
	}
	return fmt.Errorf("connecting to %s: %w", r.ref.Domain, cleaned(err))
}

// cleaned keeps an error's identity and makes its text printable.
func cleaned(err error) error { return &cleanError{err} }

type cleanError struct{ err error }

func (e *cleanError) Error() string { return clip(e.err.Error()) }
func (e *cleanError) Unwrap() error { return e.err }

// clip makes a foreign text printable on one line of bearable length.
func clip(s string) string {
	const most = 400
	if len(s) > most {
		s = s[:most] + "…"
	}
	return termsafe.Line(strings.TrimSpace(s))
}
