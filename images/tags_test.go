package images

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"gantry/images/internal/evilreg"
	"gantry/images/registry"
)

// TestTagsStayAtTheRegistry has a list whose next page is said to be elsewhere,
// and a tag that is none.
func TestTagsStayAtTheRegistry(t *testing.T) {
	im, reg, stranger := open(t), evilreg.New(t), evilreg.New(t)
	reg.Push(t, "app:a", evilreg.Image(t, "amd64", 1000))
	reg.Push(t, "app:b", evilreg.Image(t, "amd64", 2000))
	reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/tags/list"):
			return false
		case r.URL.Query().Get("last") == "":
			w.Header().Set("Link", "<http://"+stranger.Host+`/v2/app/tags/list?last=a&n=1>; rel="next"`)
			_, _ = w.Write([]byte(`{"tags":["a","../../x"]}`))
		default:
			_, _ = w.Write([]byte(`{"tags":["b"]}`))
		}
		return true
	})
	all, err := im.PullAll(t.Context(), reg.Host+"/app", PullOptions{Platform: "linux/amd64"}, nil)
	if len(all) != 2 || err == nil || !strings.Contains(err.Error(), "1 of 3 tags") {
		t.Errorf("PullAll = %d images, %v, want 2 and one failure", len(all), err)
	}
	if n := stranger.Gets("/"); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

func TestTagsThatDoNotEnd(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	reg.Misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		w.Header().Set("Link", `</v2/app/tags/list?last=a>; rel="next"`)
		_, _ = w.Write([]byte(`{"tags":["a"]}`))
		return true
	})
	if _, err := im.PullAll(t.Context(), reg.Host+"/app", PullOptions{}, nil); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("PullAll = %v", err)
	}
}

// TestClientCertificate shows the certificate in certs.d to its registry.
func TestClientCertificate(t *testing.T) {
	im, plain := open(t), evilreg.New(t)
	plain.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	at, _ := url.Parse("http://" + plain.Host)
	srv := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(at))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	defer srv.Close()
	host, dir := strings.TrimPrefix(srv.URL, "https://"), t.TempDir()
	cfg := impatient()
	cfg.Hosts = registry.Hosts{host: {CA: dir}}
	im.reg = registry.New(cfg)
	write(t, filepath.Join(dir, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	if _, err := im.Pull(t.Context(), host+"/app:v1", PullOptions{Platform: "linux/amd64"}, nil); err == nil {
		t.Error("pulled without the certificate it asks for")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "client.cert"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, filepath.Join(dir, "client.key"), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
	mustPull(t, im, host+"/app:v1")
}
