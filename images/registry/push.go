package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/opencontainers/go-digest"
)

// HasBlob asks whether the repository has a blob.
func (r *Repository) HasBlob(ctx context.Context, d digest.Digest) (bool, error) {
	resp, err := r.follow(ctx, http.MethodHead, "/blobs/"+d.String(), nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusNotFound:
		return false, nil
	}
	return false, r.statusError(resp, r.ref.FamiliarName())
}

// Mount asks the registry to take a blob over from another of its
// repositories. A registry that would rather have it uploaded is told that
// nothing comes.
func (r *Repository) Mount(ctx context.Context, d digest.Digest, from string) (bool, error) {
	at := r.url("/blobs/uploads/")
	at.RawQuery = url.Values{"mount": {d.String()}, "from": {from}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), nil)
	if err != nil {
		return false, err
	}
	resp, err := r.roundTrip(req)
	if err != nil {
		return false, r.connectError(err)
	}
	defer resp.Body.Close()
	resp.Request = req
	switch resp.StatusCode {
	case http.StatusCreated:
		return true, nil
	case http.StatusAccepted:
		r.abandon(ctx, resp)
	}
	return false, nil
}

// abandon ends an upload that was opened and is not needed. A registry that
// does not listen forgets it by itself.
func (r *Repository) abandon(ctx context.Context, opened *http.Response) {
	to, err := r.location(opened)
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, to.String(), nil)
	if err != nil {
		return
	}
	if resp, err := r.roundTrip(req); err == nil {
		_ = resp.Body.Close()
	}
}

// PutManifest stores a manifest or index, byte for byte, as target: a tag or
// its digest.
func (r *Repository) PutManifest(ctx context.Context, doc *Document, target string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.url("/manifests/"+target).String(), bytes.NewReader(doc.Raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", doc.Desc.MediaType)
	resp, err := r.roundTrip(req)
	if err != nil {
		return r.connectError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK {
		return r.statusError(resp, r.what(target))
	}
	if claim := resp.Header.Get("Docker-Content-Digest"); strings.HasPrefix(claim, "sha256:") && claim != doc.Desc.Digest.String() {
		return bad("%s: the registry stored %s instead of %s", r.what(target), clip(claim), doc.Desc.Digest)
	}
	return nil
}

// Limits of a list of tags.
const (
	maxTags  = 10_000
	maxPages = 100
)

// Tags lists the repository's tags, as the registry orders them.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	var tags []string
	query := "n=1000"
	for range maxPages {
		page, next, err := r.tagPage(ctx, query)
		if err != nil {
			return nil, err
		}
		if tags = append(tags, page...); len(tags) > maxTags {
			return nil, bad("%s has more than %d tags", r.ref.FamiliarName(), maxTags)
		}
		if next == "" || len(page) == 0 {
			return tags, nil
		}
		query = next
	}
	return nil, bad("%s: the list of tags does not end", r.ref.FamiliarName())
}

// tagPage fetches one page and the query of the next. A Link's path is not
// followed: it can only lead to where we are.
func (r *Repository) tagPage(ctx context.Context, query string) (tags []string, next string, err error) {
	what := r.ref.FamiliarName()
	raw, header, err := r.document(ctx, "/tags/list?"+query, what, "application/json", maxDocument)
	if err != nil {
		return nil, "", err
	}
	var list struct{ Tags []string }
	if json.Unmarshal(raw, &list) != nil {
		return nil, "", bad("%s: the registry's list of tags is not one", what)
	}
	link, rest, _ := strings.Cut(strings.TrimPrefix(header.Get("Link"), "<"), ">")
	if !strings.Contains(rest, "next") {
		return list.Tags, "", nil
	}
	u, err := url.Parse(link)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", what, cleaned(err))
	}
	return list.Tags, u.RawQuery, nil
}

// Verify asks the registry whether it knows us, as whom the repository was
// opened.
func (r *Repository) Verify(ctx context.Context) error {
	at := &url.URL{Scheme: "https", Host: r.host, Path: "/v2/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err
	}
	resp, err := r.roundTrip(req)
	if err != nil {
		return r.connectError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return r.statusError(resp, r.ref.Domain)
	}
	return nil
}
