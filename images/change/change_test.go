package change

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	docker "github.com/moby/docker-image-spec/specs-go/v1"

	"gantry/store"
)

func base() *docker.DockerOCIImageConfig {
	c := &docker.DockerOCIImageConfig{}
	c.Env = []string{"PATH=/bin", "A=1"}
	c.Cmd, c.Entrypoint = []string{"old"}, []string{"/entry"}
	c.Labels = map[string]string{"a": "1"}
	c.ExposedPorts = map[string]struct{}{"80/tcp": {}}
	c.WorkingDir = "/w"
	c.User = "u"
	c.OnBuild = []string{"RUN a"}
	return c
}

func TestApply(t *testing.T) {
	for line, want := range map[string]func(*docker.DockerOCIImageConfig){
		`CMD ["a", "b"]`:   func(c *docker.DockerOCIImageConfig) { c.Cmd = []string{"a", "b"} },
		`cmd echo  hi`:     func(c *docker.DockerOCIImageConfig) { c.Cmd = []string{"/bin/sh", "-c", "echo  hi"} },
		`ENTRYPOINT ["x"]`: func(c *docker.DockerOCIImageConfig) { c.Entrypoint, c.Cmd = []string{"x"}, nil },
		`ENV A=2 B="x y"`:  func(c *docker.DockerOCIImageConfig) { c.Env = []string{"PATH=/bin", "A=2", "B=x y"} },
		`ENV B $A/z`:       func(c *docker.DockerOCIImageConfig) { c.Env = append(c.Env, "B=1/z") },
		`LABEL b=2 a=3`:    func(c *docker.DockerOCIImageConfig) { c.Labels = map[string]string{"a": "3", "b": "2"} },
		`EXPOSE 90/udp 8000-8001 $A`: func(c *docker.DockerOCIImageConfig) {
			c.ExposedPorts = map[string]struct{}{"80/tcp": {}, "90/udp": {}, "8000/tcp": {}, "8001/tcp": {}, "1/tcp": {}}
		},
		`VOLUME /x /y`:     func(c *docker.DockerOCIImageConfig) { c.Volumes = map[string]struct{}{"/x": {}, "/y": {}} },
		`VOLUME ["/x y"]`:  func(c *docker.DockerOCIImageConfig) { c.Volumes = map[string]struct{}{"/x y": {}} },
		`USER 5:6`:         func(c *docker.DockerOCIImageConfig) { c.User = "5:6" },
		`WORKDIR sub/../b`: func(c *docker.DockerOCIImageConfig) { c.WorkingDir = "/w/b" },
		`WORKDIR /abs`:     func(c *docker.DockerOCIImageConfig) { c.WorkingDir = "/abs" },
		`ONBUILD RUN b`:    func(c *docker.DockerOCIImageConfig) { c.OnBuild = []string{"RUN a", "RUN b"} },
	} {
		t.Run(line, func(t *testing.T) {
			got, expected := base(), base()
			want(expected)
			if err := Apply(got, []string{line}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	both := base()
	if err := Apply(both, []string{`CMD ["c"]`, `ENTRYPOINT ["e"]`}); err != nil || len(both.Cmd) != 1 {
		t.Errorf("a command of the same changes went: %+v, %v", both, err)
	}
}

func TestRefused(t *testing.T) {
	for line, want := range map[string]string{
		"FROM x":          "FROM is not a valid change: allowed are CMD",
		"RUN x":           "RUN is not a valid change",
		"COPY a b":        "COPY is not a valid change",
		"":                "is not a valid change",
		"EXPOSE abc":      `port "abc"`,
		"EXPOSE 70000":    "1-65535",
		"EXPOSE 80/icmp":  "invalid proto",
		"EXPOSE 9-1":      "invalid range",
		"ONBUILD FROM x":  "isn't allowed as an ONBUILD trigger",
		"ONBUILD ONBUILD": "ONBUILD",
		"USER":            "exactly one argument",
		"ENV A":           "must have two arguments",
		"CMD x\nRUN evil": "RUN is not a valid change",
	} {
		err := Apply(base(), []string{line})
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Apply(%q) = %v, want %q", line, err, want)
		}
	}
}
