package uitest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"gantry/engine"

	"github.com/opencontainers/go-digest"
)

// baseLayer is the lowest layer of every sample image, and all of alpine.
var baseLayer = digest.FromString("base")

// Image makes an image with these names.
func Image(n int, size int64, age time.Duration, names ...string) engine.Image {
	id := digest.FromString(fmt.Sprintf("image %d", n))
	i := engine.Image{
		ID: id, Names: names, Platform: "linux/amd64", Created: Now.Add(-age), Size: size,
		Layers: []digest.Digest{baseLayer, digest.FromString(id.String() + " packages"), digest.FromString(id.String() + " files")},
	}
	i.Config.Config.Cmd = []string{"bash"}
	i.Config.Config.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	return i
}

// Container makes a container of an image.
func Container(n int, name, image string, status engine.Status) engine.Container {
	var c engine.Container
	c.ID = fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprintf("container %d", n))))
	c.Name, c.Image = name, image
	c.Created = Now.Add(-time.Duration(n+1) * time.Hour)
	c.State.Status = status
	c.State.StartedAt = c.Created
	c.Host.NetworkMode = "bridge"
	if status == engine.Exited {
		c.State.FinishedAt = c.Created.Add(25 * time.Minute)
	}
	return c
}

const day = 24 * time.Hour

// SampleImages are some images as a developer has them.
func SampleImages() []engine.Image {
	images := []engine.Image{
		Image(1, 187_600_000, 4*time.Hour, "shop/api:2.14.0", "shop/api:latest"),
		Image(2, 48_300_000, 3*day, "nginx:1.27-alpine"),
		Image(3, 432_000_000, 9*day, "postgres:17"),
		Image(4, 117_000_000, 12*day, "debian:bookworm"),
		Image(5, 1_240_000_000, 33*day, "ghcr.io/acme/toolchain/builder:go1.26"),
		Image(6, 41_200_000, 41*day, "redis:8"),
		Image(7, 8_400_000, 77*day, "alpine:3.22"),
		Image(8, 4_300_000, 200*day, "busybox:latest"),
		Image(9, 93_000_000, 3*day),
	}
	for _, i := range []int{0, 2, 4, 7} { // images with a base of their own
		images[i].Layers[0] = digest.FromString(images[i].ID.String() + " base")
	}
	images[6].Layers = images[6].Layers[:1]
	images[1].Config.Config.Entrypoint = []string{"/docker-entrypoint.sh"}
	images[1].Config.Config.Cmd = []string{"nginx", "-g", "daemon off;"}
	images[1].Config.Config.ExposedPorts = map[string]struct{}{"80/tcp": {}}
	images[1].Config.Config.WorkingDir = "/usr/share/nginx"
	return images
}

// SampleContainers are some containers of the sample images.
func SampleContainers() []engine.Container {
	images := SampleImages()
	cs := []engine.Container{
		Container(0, "api", "shop/api:2.14.0", engine.Running),
		Container(1, "web", "nginx:1.27-alpine", engine.Running),
		Container(2, "db", "postgres:17", engine.Running),
		Container(3, "cache", "redis:8", engine.Paused),
		Container(4, "migrate", "shop/api:2.14.0", engine.Exited),
		Container(5, "nightly-import", "shop/api:latest", engine.Exited),
		Container(6, "scratchpad", "debian:bookworm", engine.Created),
	}
	for i, n := range []int{0, 1, 2, 5, 0, 0, 3} {
		cs[i].ImageID = images[n].ID
	}
	cs[0].Config.Cmd = []string{"/usr/bin/api", "--listen", ":8080"}
	cs[0].Host.Ports = []engine.PortMapping{{HostPort: 8080, ContainerPort: 8080, Proto: "tcp"}}
	cs[1].Config.Cmd = []string{"nginx", "-g", "daemon off;"}
	cs[1].Host.Ports = []engine.PortMapping{{HostIP: "0.0.0.0", HostPort: 80, ContainerPort: 80, Proto: "tcp"}, {HostIP: "0.0.0.0", HostPort: 443, ContainerPort: 443, Proto: "tcp"}}
	cs[2].Config.Cmd = []string{"postgres"}
	cs[2].Host.Ports = []engine.PortMapping{{HostPort: 5432, ContainerPort: 5432, Proto: "tcp"}}
	cs[3].Config.Cmd = []string{"redis-server"}
	cs[4].Config.Cmd = []string{"/usr/bin/api", "migrate"}
	cs[5].Config.Cmd = []string{"/usr/bin/import", "--all"}
	cs[5].State.ExitCode = 137
	cs[6].Config.Cmd = []string{"bash"}
	return cs
}

// SampleHistory is the history of an image.
func SampleHistory() []engine.HistoryEntry {
	at := Now.Add(-3 * day)
	return []engine.HistoryEntry{
		{Created: at, CreatedBy: `CMD ["nginx" "-g" "daemon off;"]`, Empty: true},
		{Created: at, CreatedBy: "EXPOSE map[80/tcp:{}]", Empty: true},
		{Created: at, CreatedBy: "COPY docker-entrypoint.sh / # buildkit", Size: 1620},
		{Created: at, CreatedBy: "RUN /bin/sh -c set -x && addgroup -g 101 -S nginx && adduser -S -D -H -u 101 nginx # buildkit", Size: 40_100_000},
		{Created: Now.Add(-77 * day), CreatedBy: `/bin/sh -c #(nop)  CMD ["/bin/sh"]`, Empty: true},
		{Created: Now.Add(-77 * day), CreatedBy: "/bin/sh -c #(nop) ADD file:36d9f497f679d56737ac1379d93f7b6a2e4c814e38e868a5a8e719c4b226ef6e in / ", Size: 8_170_000},
	}
}
