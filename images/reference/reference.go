// Package reference reads image names the way Docker does: host, repository,
// tag and digest, with docker.io/library/ and :latest understood where they
// are left out. It follows the grammar of distribution/reference but scans by
// hand: no start-up cost, and every refusal knows the position and the reason.
// It never looks anything up.
package reference

import (
	"strings"

	"github.com/opencontainers/go-digest"
)

// Docker Hub, which names without a host belong to.
const (
	Hub            = "docker.io"
	legacyHub      = "index.docker.io"
	officialPrefix = "library/"
	defaultTag     = "latest"
)

// Ref is a complete, normalised reference. A Ref made by Parse has a tag, a
// digest, or both.
type Ref struct {
	Domain string        // host[:port], docker.io for Docker Hub
	Path   string        // repository below the host, library/debian
	Tag    string        // "" only with a digest
	Digest digest.Digest // "" unless given
}

// Name is the repository with its host and without tag or digest.
func (r Ref) Name() string { return r.Domain + "/" + r.Path }

// FamiliarName is Name in the short form people type.
func (r Ref) FamiliarName() string {
	if r.Domain != Hub {
		return r.Name()
	}
	if short, ok := strings.CutPrefix(r.Path, officialPrefix); ok && !strings.Contains(short, "/") {
		return short
	}
	if first, _, _ := strings.Cut(r.Path, "/"); hostLike(first) {
		return r.Name() // the short form would be read as a host
	}
	return r.Path
}

// Full is the whole reference, as it is stored.
func (r Ref) Full() string { return r.Name() + r.suffix() }

// Familiar is the whole reference in the short form people type.
func (r Ref) Familiar() string { return r.FamiliarName() + r.suffix() }

// String is Familiar.
func (r Ref) String() string { return r.Familiar() }

// ByDigest is the same repository at d, without a tag.
func (r Ref) ByDigest(d digest.Digest) Ref {
	return Ref{Domain: r.Domain, Path: r.Path, Digest: d}
}

// Target is what a registry is asked for: the digest, or else the tag.
func (r Ref) Target() string {
	if r.Digest != "" {
		return r.Digest.String()
	}
	return r.Tag
}

func (r Ref) suffix() string {
	s := ""
	if r.Tag != "" {
		s = ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest.String()
	}
	return s
}

// hostLike says whether the first part of a name is a host rather than a
// namespace on Docker Hub.
func hostLike(s string) bool {
	return s == "localhost" || strings.ContainsAny(s, ".:") || strings.ToLower(s) != s
}
