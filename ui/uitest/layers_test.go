package uitest

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/images"
	"gantry/images/layers"
	"gantry/ui"
	"gantry/ui/screens"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// testLayer is one instruction and the tar it made; without files it made none.
type testLayer struct {
	by    string
	files []tar.Header // Linkname is a regular file's content
	age   time.Duration
}

func file(name, content string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Linkname: content}
}

func dir(name string) tar.Header {
	return tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o755}
}

func symlink(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}
}

func (l testLayer) tar(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range l.files {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname = h.Linkname, ""
			h.Size = int64(len(content))
		}
		h.ModTime, h.Format = Now.Add(-l.age), tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// openTest opens an image of these layers as the engine would one in an archive.
func openTest(t testing.TB, name string, all []testLayer) *engine.LayerIndex {
	t.Helper()
	var s images.Source
	var tars [][]byte
	for _, l := range all {
		created := Now.Add(-l.age)
		s.Config.History = append(s.Config.History, v1.History{Created: &created, CreatedBy: l.by, EmptyLayer: len(l.files) == 0})
		if len(l.files) > 0 {
			data := l.tar(t)
			tars = append(tars, data)
			s.Config.RootFS.DiffIDs = append(s.Config.RootFS.DiffIDs, digest.FromBytes(data))
			s.Blobs = append(s.Blobs, v1.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data) / 3)})
		}
	}
	s.Blob = func(_ context.Context, i int) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(tars[i])), nil
	}
	s.Close = func() error { return nil }
	x, err := layers.Stream(context.Background(), name, &s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

const nginxConf = `# made by hand
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}
`

// sampleLayers are the layers of a small web server.
func sampleLayers() []testLayer {
	big := strings.Repeat("\x7fbinary\x00", 120_000)
	return []testLayer{
		{"/bin/sh -c #(nop) ADD file:36d9f497f679d56737ac1379d93f7b6a in / ", []tar.Header{
			dir("bin"), file("bin/busybox", big[:800_000], 0o755), symlink("bin/sh", "busybox"), symlink("bin/su", "busybox"),
			dir("etc"), file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644), file("etc/os-release", "NAME=Alpine\nVERSION=3.22\n", 0o644),
			file("etc/motd", strings.Repeat("welcome\n", 40), 0o644), dir("tmp"),
			dir("usr"), dir("usr/bin"), file("usr/bin/passwd", big[:42_000], 0o4755), dir("usr/lib"), file("usr/lib/libc.so", big[:600_000], 0o755),
			dir("var"), dir("var/cache"), file("var/cache/index.db", big[:310_000], 0o644),
		}, 77 * day},
		{`/bin/sh -c #(nop)  CMD ["/bin/sh"]`, nil, 77 * day},
		{"RUN /bin/sh -c set -x && addgroup -g 101 -S nginx && adduser -S -D -H -u 101 nginx && apk add nginx # buildkit", []tar.Header{
			dir("etc"), file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101::/nonexistent:/sbin/nologin\n", 0o644),
			dir("etc/nginx"), file("etc/nginx/nginx.conf", nginxConf, 0o644), file("etc/nginx/mime.json", `{"types":{"html":"text/html","n":3}}`, 0o644),
			dir("usr"), dir("usr/sbin"), file("usr/sbin/nginx", big, 0o755),
			dir("var"), dir("var/cache"), dir("var/cache/apk"), file("var/cache/apk/nginx.apk", big[:500_000], 0o644),
		}, 3 * day},
		{"COPY nginx.conf /etc/nginx/ # buildkit", []tar.Header{
			dir("etc"), dir("etc/nginx"), file("etc/nginx/nginx.conf", strings.Replace(nginxConf, "1024", "4096", 1)+"include conf.d/*.conf;\n", 0o644),
		}, 4 * time.Hour},
		{"EXPOSE map[80/tcp:{}]", nil, 4 * time.Hour},
		{"RUN /bin/sh -c rm -rf /var/cache/apk /etc/motd && chmod g+s /usr/sbin/nginx # buildkit", []tar.Header{
			dir("etc"), {Name: "etc/.wh.motd", Typeflag: tar.TypeReg}, dir("usr"), dir("usr/sbin"), file("usr/sbin/nginx", big, 0o2755),
			dir("var"), dir("var/cache"), {Name: "var/cache/.wh.apk", Typeflag: tar.TypeReg},
		}, 4 * time.Hour},
		{`CMD ["nginx" "-g" "daemon off;"]`, nil, 4 * time.Hour},
	}
}

// otherLayers are those of an older version of the same server.
func otherLayers() []testLayer {
	all := sampleLayers()
	old := all[2]
	old.by = "RUN /bin/sh -c apk add nginx=1.26 # buildkit"
	old.files = append([]tar.Header{}, old.files...)
	old.files[6] = file("usr/sbin/nginx", strings.Repeat("older", 90_000), 0o755)
	old.files = append(old.files, dir("opt"), file("opt/legacy.sh", "#!/bin/sh\necho gone\n", 0o755))
	return []testLayer{all[0], all[1], old}
}

// withLayers makes the fake open the sample images for every name.
func withLayers(t testing.TB, f *Fake) *Fake {
	f.LayersFunc = func(_ context.Context, source string) (screens.LayerSource, error) {
		return ui.Layers(openTest(t, source, sampleLayers())), nil
	}
	f.CompareFunc = func(_ context.Context, a, b string) (screens.LayerDiff, error) {
		if a == "nosuch" {
			return nil, fmt.Errorf("image nosuch: %w", engine.ErrNotFound)
		}
		d, err := openTest(t, a, otherLayers()).Against(openTest(t, b, sampleLayers()))
		return ui.LayerDiff(d), err
	}
	return f
}

func layersSample(t testing.TB) *Fake { return withLayers(t, sample()) }
