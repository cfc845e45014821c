package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// A Notice hears why a transfer waits, every second with what is left of the
// wait, and "" when it goes on. It must not block.
type Notice func(remark string)

type noticeKey struct{}

// WithNotice attaches a Notice to all transfers made under the context.
func WithNotice(ctx context.Context, n Notice) context.Context {
	return context.WithValue(ctx, noticeKey{}, n)
}

func notify(ctx context.Context, remark string) {
	if n, ok := ctx.Value(noticeKey{}).(Notice); ok {
		n(remark)
	}
}

// verdict says whether and after what wait a request is sent again.
func (n *network) verdict(resp *http.Response, err error, attempt int) (time.Duration, bool) {
	if attempt >= n.cfg.Attempts {
		return 0, false
	}
	if err != nil {
		return n.cfg.backoff(attempt), transient(err)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout,
		resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented:
		if after, ok := retryAfter(resp, time.Now()); ok {
			return min(after, n.cfg.MaxRetryAfter), true
		}
		return n.cfg.backoff(attempt), true
	}
	return 0, false
}

// backoff is the wait after the given number of failures, ±20 %.
func (c Config) backoff(failures int) time.Duration {
	d := c.Backoff
	for i := 1; i < failures && d < c.MaxRetryAfter; i++ {
		d *= 3
	}
	d = min(d, c.MaxRetryAfter)
	return d*4/5 + rand.N(d*2/5+1)
}

// retryAfter reads the header in either of its forms.
func retryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	v := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 3600)) * time.Second, true
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// transient says whether trying again may help: cut and silent connections,
// not refused ones, unknown hosts or certificates.
func transient(err error) bool {
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errStalled) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func describe(host string, resp *http.Response, err error) string {
	if err != nil {
		return fmt.Sprintf("%s: %s", host, clip(err.Error()))
	}
	return fmt.Sprintf("%s answered %d", host, resp.StatusCode)
}

// sleep waits with a countdown that the context's Notice hears.
func sleep(ctx context.Context, d time.Duration, why string) error {
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer notify(ctx, "")
	until := time.Now().Add(d)
	for {
		notify(ctx, fmt.Sprintf("%s, retrying in %d s", why, int(time.Until(until).Round(time.Second).Seconds())))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-tick.C:
		}
	}
}
