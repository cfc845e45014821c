package registry

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gantry/images/reference"
	"gantry/internal/termsafe"
)

// Host is what is special about one registry, or about a namespace of it.
type Host struct {
	// Mirrors are asked first, in order: host[:port][/namespace], with http://
	// in front where it is to be plain HTTP. What follows the key in a name is
	// put behind the mirror.
	Mirrors []string `json:"mirrors,omitempty"`
	// Insecure permits plain HTTP and certificates nobody vouches for.
	Insecure bool `json:"insecure,omitempty"`
	// CA is a file of trusted authorities, or a directory as in certs.d.
	CA string `json:"ca,omitempty"`
	// Search is the URL of the registry's search index.
	Search string `json:"search,omitempty"`
}

// Hosts are the special registries by host[:port][/namespace].
type Hosts map[string]Host

// Check finds what is wrong with a configuration.
func (h Hosts) Check() error {
	for key, host := range h {
		ref, err := parsePlace(key)
		if err != nil {
			return wrong(key, err.Error())
		}
		if ref.Path != "" && (host.Insecure || host.CA != "" || host.Search != "") {
			return wrong(key, "a namespace can only have mirrors; write insecure, ca and search under the host "+ref.Domain)
		}
		for _, m := range host.Mirrors {
			if _, err := parseMirror(m); err != nil {
				return wrong(key, fmt.Sprintf("mirror %q: %s", termsafe.Line(m), err))
			}
		}
		if u, err := url.Parse(host.Search); err != nil || host.Search != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return wrong(key, "search is not a URL such as https://index.docker.io")
		}
	}
	return nil
}

func wrong(key, what string) error {
	return &contentError{fmt.Errorf("registries: %q: %s", termsafe.Line(key), what)}
}

// parsePlace reads host[:port][/namespace].
func parsePlace(s string) (reference.Ref, error) {
	host, path, _ := strings.Cut(s, "/")
	ref, err := reference.Parse(s + "/x")
	if err != nil || ref.Domain != host || ref.Tag != "latest" || ref.Digest != "" {
		return reference.Ref{}, fmt.Errorf("write host[:port][/namespace], such as docker.io or mirror.example:5000/hub")
	}
	return reference.Ref{Domain: host, Path: path}, nil
}

func parseMirror(s string) (Place, error) {
	rest, plain := strings.CutPrefix(s, "http://")
	rest = strings.TrimSuffix(strings.TrimPrefix(rest, "https://"), "/")
	ref, err := parsePlace(rest)
	return Place{Ref: ref, Insecure: plain, Mirror: true}, err
}

// Place is where an image can be had.
type Place struct {
	Ref      reference.Ref
	Insecure bool
	Mirror   bool
}

// Places lists where to ask for ref: the mirrors of the longest key its name
// starts with, and last the registry itself.
func (c *Client) Places(ref reference.Ref, insecure bool) []Place {
	var best string
	for key := range c.cfg.Hosts {
		if len(key) > len(best) && (strings.HasPrefix(ref.Name(), key+"/") || ref.Name() == key) && len(c.cfg.Hosts[key].Mirrors) > 0 {
			best = key
		}
	}
	var places []Place
	rest := strings.Trim(strings.TrimPrefix(ref.Name(), best), "/")
	for _, m := range c.cfg.Hosts[best].Mirrors {
		p, err := parseMirror(m)
		if err != nil {
			continue // refused when the configuration was read
		}
		path := slices.DeleteFunc([]string{p.Ref.Path, rest}, func(s string) bool { return s == "" })
		p.Ref = reference.Ref{Domain: p.Ref.Domain, Path: strings.Join(path, "/"), Tag: ref.Tag, Digest: ref.Digest}
		places = append(places, p)
	}
	return append(places, Place{Ref: ref, Insecure: insecure})
}

// OpenPlace connects to a place for pulling.
func (c *Client) OpenPlace(ctx context.Context, p Place) (*Repository, error) {
	return c.Open(ctx, p.Ref, p.Insecure)
}
