package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/store"
)

// Source is a blob to upload.
type Source struct {
	Desc  v1.Descriptor
	Open  func(offset int64) (io.ReadCloser, error)
	Count func(at int64) // hears how much is sent; may go back
}

// Upload sends a blob in one piece. A transfer that breaks off goes on where
// the registry says it is, or else from the start.
//
//	POST uploads/            → 202 Location
//	PUT  Location?digest=…   → 201, or it breaks:
//	GET  Location            → 204 Range 0-n
//	PATCH Location           → 202 Location, for the rest
//	PUT  Location?digest=…   → 201
func (r *Repository) Upload(ctx context.Context, src Source) error {
	return (&upload{repo: r, src: src}).run(ctx)
}

type upload struct {
	repo *Repository
	src  Source
	at   int64    // what the registry has
	to   *url.URL // where the upload goes on, nil before it began
}

// refused is a registry's answer that another try may better.
type refused struct {
	err   error
	after time.Duration // -1: it did not say
}

func (e *refused) Error() string { return e.err.Error() }
func (e *refused) Unwrap() error { return e.err }

func (u *upload) run(ctx context.Context) error {
	mark, failures := int64(0), 0
	for {
		err := u.try(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		var again *refused
		if !errors.As(err, &again) && !transient(err) {
			return err
		}
		if u.at-mark >= enoughProgress {
			mark, failures = u.at, 0
		}
		if failures++; failures > u.repo.cfg.Resumes {
			return fmt.Errorf("blob %s: gave up after %d broken uploads: %w", u.src.Desc.Digest, failures, err)
		}
		wait := u.repo.cfg.backoff(failures)
		if again != nil && again.after >= 0 {
			wait = min(again.after, u.repo.cfg.MaxRetryAfter)
		}
		if err := sleep(ctx, wait, describe(u.repo.ref.Domain, nil, err)); err != nil {
			return err
		}
	}
}

// try begins the upload or goes on with it.
func (u *upload) try(ctx context.Context) error {
	if u.to != nil {
		if err := u.locate(ctx); err != nil {
			return err
		}
	}
	if u.to == nil {
		u.at = 0
		if err := u.begin(ctx); err != nil {
			return err
		}
	}
	if u.at == 0 {
		return u.finish(ctx, true)
	}
	if u.at < u.src.Desc.Size {
		if err := u.patch(ctx); err != nil {
			return err
		}
	}
	return u.finish(ctx, false)
}

// locate asks how far a broken upload came. A registry that does not know
// makes us start anew.
func (u *upload) locate(ctx context.Context) error {
	resp, err := u.send(ctx, http.MethodGet, u.to, nil, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var first, last int64
	_, err = fmt.Sscanf(resp.Header.Get("Range"), "%d-%d", &first, &last)
	if resp.StatusCode != http.StatusNoContent || err != nil || first != 0 || last < 0 || last >= u.src.Desc.Size {
		u.to = nil
		return nil
	}
	if u.at = last + 1; last == 0 {
		u.at = 0 // what registries say of nothing
		u.to = nil
		return nil
	}
	if resp.Header.Get("Location") != "" {
		return u.moveOn(resp)
	}
	return nil
}

func (u *upload) begin(ctx context.Context) error {
	resp, err := u.send(ctx, http.MethodPost, u.repo.url("/blobs/uploads/"), nil, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return u.refusal(resp)
	}
	return u.moveOn(resp)
}

// patch sends the rest of a broken upload.
func (u *upload) patch(ctx context.Context) error {
	resp, err := u.send(ctx, http.MethodPatch, u.to, http.Header{
		"Content-Range": {fmt.Sprintf("%d-%d", u.at, u.src.Desc.Size-1)},
	}, true)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return u.refusal(resp)
	}
	u.at = u.src.Desc.Size
	return u.moveOn(resp)
}

// finish names the digest, with the whole content or after it.
func (u *upload) finish(ctx context.Context, whole bool) error {
	to := *u.to
	q := to.Query()
	q.Set("digest", u.src.Desc.Digest.String())
	to.RawQuery = q.Encode()
	resp, err := u.send(ctx, http.MethodPut, &to, nil, whole)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return u.refusal(resp)
	}
	if claim := digest.Digest(resp.Header.Get("Docker-Content-Digest")); claim.Validate() == nil &&
		claim.Algorithm() == u.src.Desc.Digest.Algorithm() && claim != u.src.Desc.Digest {
		return bad("blob %s: the registry stored %s instead", u.src.Desc.Digest, claim)
	}
	return nil
}

// moveOn remembers where the upload goes on.
func (u *upload) moveOn(resp *http.Response) (err error) {
	u.to, err = u.repo.location(resp)
	return err
}

// location is where an answer sends an upload. A registry behind a proxy that
// ends TLS may call itself http://; we stay with how it was reached.
func (r *Repository) location(resp *http.Response) (*url.URL, error) {
	from := resp.Request.URL
	if to, err := from.Parse(resp.Header.Get("Location")); err == nil && to.Host == from.Host && to.Host == r.host {
		to.Scheme = from.Scheme
		return to, nil
	}
	to, err := redirect(from, resp.Header.Get("Location"), r.net.plain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ref.Domain, err)
	}
	return to, nil
}

// send makes one request, with the blob from where we are if body is set. What
// the transport cannot repeat, because a body went with it, run repeats.
func (u *upload) send(ctx context.Context, method string, to *url.URL, header http.Header, body bool) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if body {
		content, err := u.src.Open(u.at)
		if err != nil {
			cancel(nil)
			return nil, err
		}
		req.Header.Set("Content-Type", "application/octet-stream")
		req.ContentLength = u.src.Desc.Size - u.at
		req.Body = newSending(content, cancel, u.repo.cfg.IdleTimeout, u.at, u.src.Count)
		if req.ContentLength == 0 {
			_ = req.Body.Close()
			req.Body = http.NoBody
		}
	}
	resp, err := u.repo.roundTrip(req)
	if err != nil {
		cause := context.Cause(ctx)
		cancel(nil)
		if errors.Is(cause, errStalled) {
			return nil, cause
		}
		if body && !errors.Is(err, store.ErrNotFound) {
			return nil, &refused{u.repo.connectError(err), -1}
		}
		return nil, u.repo.connectError(err)
	}
	resp.Request = req
	resp.Body = &cancelBody{resp.Body, cancel}
	return resp, nil
}

// cancelBody frees its request's context.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// refusal says whether an answer ends the upload or only this try.
func (u *upload) refusal(resp *http.Response) error {
	e := readRefusal(resp, u.repo.ref.Domain, "blob "+u.src.Desc.Digest.String())
	switch {
	case e.Code == "DIGEST_INVALID":
		return fmt.Errorf("%s: the registry received other content than the digest says: the stored blob is %w",
			e.Ref, store.ErrDamaged)
	case e.Code == "BLOB_UPLOAD_UNKNOWN", e.Code == "BLOB_UPLOAD_INVALID", e.Code == "RANGE_INVALID",
		e.Status == http.StatusNotFound, e.Status == http.StatusRequestedRangeNotSatisfiable:
		u.to = nil // start anew
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Status >= 500:
	default:
		return e
	}
	again := &refused{e, -1}
	if after, ok := retryAfter(resp, time.Now()); ok {
		again.after = after
	}
	return again
}
