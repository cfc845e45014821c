package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// network carries all requests made for one repository: to the registry, to
// its token server, and to hosts that redirects lead to. It applies the time
// limits and retries, and is what go-containerregistry's login works over.
type network struct {
	cfg      Config
	host     string
	plain    bool // plain HTTP permitted
	direct   *http.Transport
	tokens   *http.Transport
	blobs    *http.Transport
	proxied  *http.Transport
	nearness neighbourhood
}

// newNetwork prepares for a registry called domain, which is reached as host.
// Its own authorities are trusted for where it sends us, too; its client
// certificate is shown to nobody else.
func newNetwork(cfg Config, domain, host string, insecure bool) (*network, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.TLS != nil {
		conf = cfg.TLS.Clone()
	}
	certificates, err := cfg.trust(domain, conf)
	if err != nil {
		return nil, err
	}
	n := &network{cfg: cfg, host: host, plain: insecure || isLoopback(host)}
	n.direct = n.transport(conf, n.nearness.learn)
	n.direct.TLSClientConfig.Certificates = append(n.direct.TLSClientConfig.Certificates, certificates...)
	n.tokens = n.transport(conf, n.nearness.tokenServer)
	n.blobs = n.transport(conf, n.nearness.blobServer)
	n.proxied = n.transport(conf, nil)
	n.proxied.Proxy = http.ProxyFromEnvironment
	if insecure {
		n.direct.TLSClientConfig.InsecureSkipVerify = true
	}
	return n, nil
}

func (n *network) transport(conf *tls.Config, control func(string, string, syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: n.cfg.DialTimeout, Control: control}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		TLSClientConfig:       conf.Clone(),
		TLSHandshakeTimeout:   n.cfg.DialTimeout,
		ResponseHeaderTimeout: n.cfg.HeaderTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		DisableCompression:    true, // digests are of the bytes as sent
		ReadBufferSize:        64 << 10,
	}
}

func (n *network) close() {
	for _, t := range []*http.Transport{n.direct, n.tokens, n.blobs, n.proxied} {
		t.CloseIdleConnections()
	}
}

// RoundTrip serves requests to the registry and to its token server.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == n.host {
		return n.send(req, n.direct)
	}
	return n.send(req, n.tokens)
}

// send sends req with retries. Requests that go through a proxy cannot be
// checked for the address they end at; the proxy's owner decides that.
func (n *network) send(req *http.Request, via *http.Transport) (*http.Response, error) {
	if req.URL.Scheme != "https" && !n.plain {
		return nil, fmt.Errorf("refusing plain HTTP to %s: add --insecure to allow that", req.URL.Host)
	}
	if proxy, err := http.ProxyFromEnvironment(req); err == nil && proxy != nil {
		via = n.proxied
	}
	if req.GetBody != nil && !rewind(req) { // the login may send a request twice
		return nil, fmt.Errorf("%s: the request cannot be repeated", req.URL.Host)
	}
	for attempt := 1; ; attempt++ {
		resp, err := n.once(req, via)
		wait, retry := n.verdict(resp, err, attempt)
		if !retry || req.Context().Err() != nil || !rewind(req) {
			return resp, err
		}
		why := describe(req.URL.Host, resp, err)
		if resp != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
			_ = resp.Body.Close()
		}
		if err := sleep(req.Context(), wait, why); err != nil {
			return nil, err
		}
	}
}

// once sends req a single time and watches over the answer's body.
func (n *network) once(req *http.Request, via *http.Transport) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	out := req.Clone(ctx)
	if out.Header.Get("User-Agent") == "" || out.Header.Get("User-Agent") == "go-containerregistry" {
		out.Header.Set("User-Agent", n.cfg.UserAgent)
	}
	resp, err := via.RoundTrip(out)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	resp.Body = newIdleBody(resp.Body, cancel, n.cfg.IdleTimeout)
	if !strings.Contains(req.URL.Path, "/blobs/") && via != n.blobs {
		resp.Body = &cappedBody{resp.Body, maxDocument + maxErrorBody}
	}
	return resp, nil
}

// rewind readies req for being sent again.
func rewind(req *http.Request) bool {
	if req.Body == nil || req.Body == http.NoBody {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	body, err := req.GetBody()
	if err != nil {
		return false
	}
	req.Body = body
	return true
}

// cappedBody ends with an error instead of going on for ever.
type cappedBody struct {
	io.ReadCloser
	left int64
}

var errEndless = errors.New("the answer does not end")

func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errEndless
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
