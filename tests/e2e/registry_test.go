package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registry is a running docker-registry on a loopback port.
type registry struct {
	host string // host:port
	dir  string
	cmd  *exec.Cmd
	log  *syncBuffer
}

// syncBuffer is a bytes.Buffer that a process may fill while it is read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// startRegistry runs docker-registry in the network namespace of the suite and
// stops it with the test.
func startRegistry(t *testing.T) *registry {
	t.Helper()
	r, err := newRegistry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r
}

func newRegistry(dir string) (*registry, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &registry{host: fmt.Sprintf("127.0.0.1:%d", port), dir: dir, log: &syncBuffer{}}
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log:
  accesslog:
    disabled: false
  level: info
storage:
  filesystem:
    rootdirectory: %s
http:
  addr: %s
`, filepath.Join(dir, "data"), r.host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	r.cmd = exec.Command("docker-registry", "serve", config)
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	if !wait(20*time.Second, r.up) {
		r.stop()
		return nil, fmt.Errorf("docker-registry does not answer: %s", r.log)
	}
	return r, nil
}

func (r *registry) up() bool {
	resp, err := http.Get("http://" + r.host + "/v2/")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (r *registry) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// push uploads an image or index as host/repo:tag and returns that reference.
func (r *registry) push(t *testing.T, repoTag string, what any) string {
	t.Helper()
	ref, err := name.ParseReference(r.host+"/"+repoTag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	switch image := what.(type) {
	case v1.Image:
		err = remote.Write(ref, image)
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, image)
	default:
		t.Fatalf("cannot push a %T", what)
	}
	if err != nil {
		t.Fatalf("pushing %s: %v", ref, err)
	}
	return ref.String()
}

var blobGet = regexp.MustCompile(`"GET /v2/([^"]+)/blobs/(sha256:[0-9a-f]{64})[^"]*" (\d+) (\d+)`)

// blobGets counts successful blob downloads by digest, from the access log.
func (r *registry) blobGets() map[string]int {
	counts := map[string]int{}
	for _, m := range blobGet.FindAllStringSubmatch(r.log.String(), -1) {
		if strings.HasPrefix(m[3], "2") {
			counts[m[2]]++
		}
	}
	return counts
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// slowProxy serves a registry at a bounded rate, so that a test can act in the
// middle of a pull.
func slowProxy(t *testing.T, backend string, bytesPerSecond int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		req, _ := http.NewRequestWithContext(q.Context(), q.Method, "http://"+backend+q.URL.RequestURI(), nil)
		req.Header = q.Header.Clone()
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		copySlowly(q.Context(), w, resp.Body, bytesPerSecond)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

func copySlowly(ctx context.Context, w http.ResponseWriter, r io.Reader, bytesPerSecond int) {
	const slices = 20
	tick := time.NewTicker(time.Second / slices)
	defer tick.Stop()
	for {
		if _, err := io.CopyN(w, r, int64(bytesPerSecond/slices)); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
