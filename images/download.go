package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"gantry/internal/termsafe"
	"gantry/store"
)

// headerPatience is how long a web server may think about an answer.
const headerPatience = 30 * time.Second

// Download opens what an http or https URL leads to. The body ends with ctx.
func Download(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, say(store.ErrInvalid, "%q is neither a file, - nor an http or https URL", termsafe.Line(address))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = headerPatience
	t.DisableKeepAlives = true
	resp, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("downloading %s: %w", u.Redacted(), err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, say(store.ErrNotFound, "downloading %s: the server answered %s", u.Redacted(), termsafe.Line(resp.Status))
	}
	return resp.Body, nil
}
