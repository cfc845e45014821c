package images

import (
	"context"
	"strings"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/termsafe"
	"gantry/store"
)

// Found is a repository that a search found. Its texts are safe to print.
type Found = registry.Found

// MaxSearch is how many results a search may ask for.
const MaxSearch = 100

// Search looks for repositories on Docker Hub, or on the registry that term
// starts with.
func (im *Images) Search(ctx context.Context, term string, limit int, insecure bool) ([]Found, error) {
	if limit < 1 || limit > MaxSearch {
		return nil, say(store.ErrInvalid, "limit %d is outside the range of [1, %d]", limit, MaxSearch)
	}
	if term == "" {
		return nil, say(store.ErrInvalid, "there is nothing to search for")
	}
	domain, rest := reference.Hub, term
	if host, name, slashed := strings.Cut(term, "/"); slashed && (strings.ContainsAny(host, ".:") || host == "localhost") {
		var err error
		if domain, err = registryHost(host); err != nil {
			return nil, err
		}
		rest = name
	}
	found, err := im.reg.Search(ctx, domain, rest, limit, insecure)
	for i := range found {
		found[i].Name, found[i].Description = termsafe.Line(found[i].Name), termsafe.Line(found[i].Description)
	}
	return found, err
}
