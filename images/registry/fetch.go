package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gantry/internal/termsafe"
)

const maxRedirects = 5

// get asks the registry for path below the repository. Redirects are followed
// here and not by http.Client: what leads away from the registry goes out as a
// new request over connections that know no credentials.
func (r *Repository) get(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	at := &url.URL{Scheme: "https", Host: r.host, Path: "/v2/" + r.ref.Path + path}
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
		if err != nil {
			return nil, err
		}
		for k, v := range header {
			req.Header[k] = v
		}
		resp, err := r.roundTrip(req)
		if err != nil {
			return nil, r.connectError(err)
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
			http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, nil
		}
		_ = resp.Body.Close()
		if at, err = redirect(req.URL, resp.Header.Get("Location"), r.net.plain); err != nil {
			return nil, fmt.Errorf("%s: %w", r.ref.Domain, err)
		}
	}
	return nil, fmt.Errorf("%s: more than %d redirects", r.ref.Domain, maxRedirects)
}

func (r *Repository) roundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == r.host {
		return r.authd.RoundTrip(req)
	}
	return r.net.send(req, r.net.blobs)
}

// redirect resolves a Location. It never goes from https to http.
func redirect(from *url.URL, location string, plain bool) (*url.URL, error) {
	to, err := url.Parse(location)
	if err != nil || location == "" {
		return nil, fmt.Errorf(`a redirect to "%s" leads nowhere`, clip(location))
	}
	to = from.ResolveReference(to)
	if to.Scheme != "https" && (to.Scheme != "http" || from.Scheme != "http" || !plain) {
		return nil, fmt.Errorf("refusing a redirect to %s://%s", clip(to.Scheme), termsafe.Line(to.Host))
	}
	return to, nil
}

// document fetches a small document whole. A body that is cut is asked for
// again from its start.
func (r *Repository) document(ctx context.Context, path, what, accept string, limit int64) ([]byte, http.Header, error) {
	for attempt := 1; ; attempt++ {
		body, header, err := r.documentOnce(ctx, path, what, accept, limit)
		if err == nil || attempt >= r.cfg.Attempts || ctx.Err() != nil || !errors.Is(err, errCut) {
			return body, header, err
		}
		if err := sleep(ctx, r.cfg.backoff(attempt), describe(r.ref.Domain, nil, err)); err != nil {
			return nil, nil, err
		}
	}
}

// errCut marks an answer that began well.
var errCut = errors.New("the connection broke")

func (r *Repository) documentOnce(ctx context.Context, path, what, accept string, limit int64) ([]byte, http.Header, error) {
	header := http.Header{}
	if accept != "" {
		header["Accept"] = strings.Split(accept, ",")
	}
	resp, err := r.get(ctx, path, header)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, r.statusError(resp, what)
	}
	if resp.ContentLength > limit {
		return nil, nil, tooLarge(what, resp.ContentLength, limit)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", what, errCut, cleaned(err))
	}
	if int64(len(body)) > limit {
		return nil, nil, tooLarge(what, int64(len(body)), limit)
	}
	return body, resp.Header, nil
}

func tooLarge(what string, size, limit int64) error {
	return bad("%s has %d bytes or more; a manifest or config may have %d", what, size, limit)
}
