package registry

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gantry/internal/termsafe"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"7": 7 * time.Second, "Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Thu, 01 Jan 2026 00:00:00 GMT": 0,
	} {
		got, ok := retryAfter(&http.Response{Header: http.Header{"Retry-After": {in}}}, now)
		if !ok || got != want {
			t.Errorf("retryAfter(%q) = %v, %v, want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-1", "soon"} {
		if d, ok := retryAfter(&http.Response{Header: http.Header{"Retry-After": {in}}}, now); ok {
			t.Errorf("retryAfter(%q) = %v", in, d)
		}
	}
}

func TestRedirect(t *testing.T) {
	from, _ := url.Parse("https://reg.example/v2/a/blobs/x")
	plain, _ := url.Parse("http://127.0.0.1:1/v2/a/blobs/x")
	for _, c := range []struct {
		from     *url.URL
		location string
		plain    bool
		want     string // "" when refused
	}{
		{from, "/elsewhere", false, "https://reg.example/elsewhere"},
		{from, "https://cdn.example/x", false, "https://cdn.example/x"},
		{from, "http://cdn.example/x", true, ""}, // never down
		{from, "file:///etc/passwd", true, ""},
		{from, "", false, ""},
		{plain, "http://127.0.0.1:2/x", true, "http://127.0.0.1:2/x"},
	} {
		got, err := redirect(c.from, c.location, c.plain)
		if (err == nil) != (c.want != "") || err == nil && got.String() != c.want {
			t.Errorf("redirect(%s, %q) = %v, %v, want %q", c.from, c.location, got, err, c.want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:1": true, "127.9.9.9": true, "[::1]:5000": true,
		"x.localhost": true, "10.0.0.1:5000": false, "localhost.example": false, "0.0.0.0": false, "registry.local": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("isLoopback(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestNeighbourhood(t *testing.T) {
	for _, c := range []struct {
		registry, other string
		token, blob     bool
	}{
		{"8.8.8.8:443", "9.9.9.9:443", true, true},
		{"8.8.8.8:443", "10.0.0.1:443", false, false},
		{"8.8.8.8:443", "127.0.0.1:443", false, false},
		{"10.0.0.1:443", "10.0.0.2:443", true, true},
		{"10.0.0.1:443", "127.0.0.1:443", false, false},
		{"127.0.0.1:5000", "127.0.0.1:6000", false, true},
		{"127.0.0.1:5000", "169.254.169.254:80", false, false},
		{"10.0.0.1:443", "[fe80::1]:80", false, false},
		{"8.8.8.8:443", "[::ffff:127.0.0.1]:80", false, false},
		{"8.8.8.8:443", "100.100.100.200:80", false, false},
	} {
		var n neighbourhood
		_ = n.learn("tcp", c.registry, nil)
		if got := n.tokenServer("tcp", c.other, nil) == nil; got != c.token {
			t.Errorf("%s sends credentials to %s: %v, want %v", c.registry, c.other, got, c.token)
		}
		if got := n.blobServer("tcp", c.other, nil) == nil; got != c.blob {
			t.Errorf("%s redirects to %s: %v, want %v", c.registry, c.other, got, c.blob)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	hex := strings.Repeat("a", 64)
	f.Add(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:`+hex+`","size":2},"layers":[]}`, "")
	f.Add(`{"manifests":[{"digest":"sha256:`+hex+`","size":2,"platform":null}]}`, "application/vnd.oci.image.index.v1+json")
	f.Add(`{"layers":null,"manifests":[null]}`, "")
	f.Add(`{"a":1}{"b":2}`, "text/html; charset=utf-8")
	f.Fuzz(func(t *testing.T, raw, contentType string) {
		d, err := ParseDocument([]byte(raw), contentType)
		if err != nil {
			if s := err.Error(); termsafe.Line(s) != s {
				t.Errorf("error is not printable: %q", s)
			}
			return
		}
		if (d.Index == nil) == (d.Manifest == nil) {
			t.Errorf("ParseDocument(%q): index %v, manifest %v", raw, d.Index, d.Manifest)
		}
		if _, err := ParseStored(d.Desc.Digest, []byte(raw)); err != nil {
			t.Logf("ParseStored: %v", err) // it may be told the kind by the header alone
		}
	})
}
