package e2e

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// entries lists the names in a tar, with the content of small files.
func entries(t *testing.T, data string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for r := tar.NewReader(strings.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(h.Name, "/")] = string(content)
	}
}

// inspected is what the tests read of an image.
type inspected struct {
	ID, Author, Comment string
	RepoTags            []string
	Config              struct {
		Cmd, Entrypoint, Env, OnBuild []string
		User, WorkingDir              string
		Labels                        map[string]string
		ExposedPorts, Volumes         map[string]struct{}
	}
	RootFS struct{ Layers []string }
}

func (l *lab) image(ref string) inspected {
	l.t.Helper()
	var list []inspected
	if err := json.Unmarshal([]byte(l.ok("image", "inspect", ref)), &list); err != nil || len(list) != 1 {
		l.t.Fatalf("inspect %s: %v", ref, err)
	}
	return list[0]
}

func TestCommit(t *testing.T) {
	l := newLab(t)
	l.ok("create", "--name", "cc", "-e", "A=1", "-e", "B=2", "-v", "vol:/data", "-p", "8080:80", "--network", "none",
		"gantry/toolbox", "sh", "-c", "echo in > /data/x; echo new > /new; echo tmp > /tmp/t; rm /tmp/t; sleep 1000")
	l.ok("start", "cc")
	l.eventually(func() bool { return strings.Contains(l.gantry("exec", "cc", "cat", "/new").out, "new") }, "the file")
	id := strings.TrimSpace(l.ok("commit", "-a", "Me <me@x>", "-m", "why", "-c", "CMD echo hi", "-c", "ENV A=3 C=4",
		"-c", `LABEL k="v w"`, "-c", "EXPOSE 90/udp", "-c", "USER 5", "-c", "WORKDIR sub", "-c", "VOLUME /v",
		"-c", "ONBUILD RUN x", "-c", `ENTRYPOINT ["/e"]`, "cc", "made:v1"))
	img := l.image("made:v1")
	if img.ID != id || !strings.HasPrefix(id, "sha256:") || img.Author != "Me <me@x>" {
		t.Errorf("commit printed %s; %+v", id, img)
	}
	c := img.Config
	if !slices.Equal(c.Cmd, []string{"/bin/sh", "-c", "echo hi"}) || !slices.Equal(c.Entrypoint, []string{"/e"}) {
		t.Errorf("cmd %q, entrypoint %q", c.Cmd, c.Entrypoint)
	}
	env := strings.Join(c.Env, " ")
	if !strings.Contains(env, "A=3") || !strings.Contains(env, "B=2") || !strings.Contains(env, "C=4") || strings.Contains(env, "A=1") {
		t.Errorf("env %q: merged by name", c.Env)
	}
	_, p80 := c.ExposedPorts["80/tcp"]
	_, p90 := c.ExposedPorts["90/udp"]
	_, v := c.Volumes["/v"]
	if !p80 || !p90 || !v || c.User != "5" || c.WorkingDir != "/sub" || c.Labels["k"] != "v w" {
		t.Errorf("config %+v", c)
	}
	// It still runs, and is not paused.
	if out := l.ok("ps", "--format", "{{.Status}}"); !strings.HasPrefix(out, "Up") || strings.Contains(out, "Paused") {
		t.Errorf("status %q", out)
	}
	files := l.layerOf("made:v1")
	for _, bad := range []string{"data/x", "etc/hosts", "etc/hostname", "etc/resolv.conf", "dev", "dev/console", "proc", "sys", "tmp/.wh.t"} {
		if _, has := files[bad]; has {
			t.Errorf("%s leaked into the image", bad)
		}
	}
	if files["new"] != "new\n" {
		t.Errorf("files %q", files)
	}
	l.fails(1, "FROM is not a valid change", "commit", "-c", "FROM x", "cc")
	l.fails(1, "RUN", "commit", "-c", "RUN x", "cc")
	l.fails(1, "no such container", "commit", "nope")
	// A paused container stays so; nothing changed makes no layer.
	l.ok("pause", "cc")
	l.ok("commit", "cc", "made:v2")
	if out := l.ok("ps", "--format", "{{.Status}}"); !strings.Contains(out, "Paused") {
		t.Errorf("status %q", out)
	}
	l.ok("create", "--name", "idle", "made:v1")
	l.ok("commit", "idle", "same")
	if a, b := l.image("made:v1"), l.image("same"); len(a.RootFS.Layers) != len(b.RootFS.Layers) {
		t.Errorf("an empty layer was added: %v", b.RootFS.Layers)
	}
	// Moving a name leaves the old image without one.
	l.ok("commit", "-p=false", "cc", "made:v1")
	if out := l.ok("images", "-a", "-q", "--no-trunc"); !strings.Contains(out, id) {
		t.Errorf("the image that lost its name is gone: %s", out)
	}
	l.ok("verify")
}

// layerOf returns what is in the topmost layer of an image.
func (l *lab) layerOf(ref string) map[string]string {
	l.t.Helper()
	files := entries(l.t, l.ok("save", ref))
	var list []struct{ Layers []string }
	if err := json.Unmarshal([]byte(files["manifest.json"]), &list); err != nil {
		l.t.Fatal(err)
	}
	top := list[0].Layers[len(list[0].Layers)-1]
	return entries(l.t, unzstd(l.t, files[top]))
}

func TestExport(t *testing.T) {
	l := newLab(t)
	before, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	l.ok("create", "--name", "cc", "--network", "none", "-v", "vol:/data", "gantry/toolbox",
		"sh", "-c", "echo in > /data/x; echo new > /new; rm /bin/cat; sleep 1000")
	check := func(state string, started bool) {
		files := entries(t, l.ok("export", "cc"))
		if _, has := files["bin/sh"]; !has {
			t.Errorf("%s: no shell in it", state)
		}
		_, cat := files["bin/cat"]
		if cat == started || (files["new"] == "new\n") != started {
			t.Errorf("%s: the container's changes are not what they should be", state)
		}
		if _, leaked := files["data/x"]; leaked {
			t.Errorf("%s: the volume's content is in it", state)
		}
	}
	check("created", false)
	l.ok("start", "cc")
	l.eventually(func() bool {
		return l.gantry("exec", "cc", "/bin/sh", "-c", "[ -e /new ] && [ ! -e /bin/cat ]").code == 0
	}, "the changes")
	check("running", true)
	l.ok("kill", "cc")
	l.ok("wait", "cc")
	check("stopped", true)
	l.fails(1, "no such container", "export", "nope")
	l.fails(1, "does not exist", "export", "-o", "/nope/x", "cc")
	if after, err := os.ReadFile("/proc/self/mountinfo"); err != nil || string(after) != string(before) {
		t.Errorf("mounts changed: %v", err)
	}

	// Imported, it is one layer without a command.
	out := filepath.Join(l.dir, "c.tar")
	l.ok("export", "-o", out, "cc")
	id := strings.TrimSpace(l.ok("import", "-m", "from afar", "-c", `ENV X=1`, out, "again:1"))
	img := l.image("again:1")
	if img.ID != id || len(img.RootFS.Layers) != 1 || len(img.Config.Cmd) != 0 || !slices.Contains(img.Config.Env, "X=1") {
		t.Errorf("imported %+v", img)
	}
	l.fails(125, "no command", "run", "--rm", "again:1")
	if got := l.ok("run", "--rm", "--network", "none", "again:1", "/bin/sh", "-c", "echo $X"); got != "1\n" {
		t.Errorf("it printed %q", got)
	}
	if h := l.ok("history", "--format", "{{.Comment}}", "again:1"); h != "from afar\n" {
		t.Errorf("history %q", h)
	}
	if r := l.input("<html>no</html>", "import", "-", "x"); r.code != 1 || !strings.Contains(r.err, "not a tar of a root filesystem (a web page)") {
		t.Errorf("importing a page: %+v", r)
	}
	l.fails(1, "root filesystem: use import", "load", "-i", out)
	l.fails(1, "no such file", "import", "/nope.tar")
}

func TestPrune(t *testing.T) {
	l := newLab(t)
	l.ok("run", "--name", "cc", "gantry/toolbox", "true") // it ran: a container that is only created may be about to start
	l.ok("run", "--name", "keep", "-v", "named:/n", "gantry/toolbox", "true")
	root := filepath.Join(l.dir, "rootfs.tar")
	l.ok("export", "-o", root, "cc")
	l.ok("import", root, "big:1")
	l.ok("import", "-m", "other", root, "big:1") // the first is dangling now
	if r := l.input("n\n", "image", "prune"); r.code != 0 || !strings.Contains(r.out, "This frees") || !strings.Contains(r.out, "reclaimed space: 0B") {
		t.Errorf("a prune refused: %+v", r)
	}
	dry := l.ok("image", "prune", "-a", "--dry-run")
	if !strings.Contains(dry, "untagged: big:1") || !strings.Contains(dry, "Would reclaim: ") {
		t.Errorf("dry run: %s", dry)
	}
	if out := l.ok("image", "prune", "-f"); !strings.Contains(out, "deleted: sha256:") || strings.Contains(out, "big:1") {
		t.Errorf("dangling: %s", out)
	}
	if out := l.ok("system", "df"); !strings.Contains(out, "Images          2         1") {
		t.Errorf("df: %s", out)
	}
	l.ok("system", "df", "-v")
	wet := l.ok("image", "prune", "-a", "-f")
	would, did := after(dry, "Would reclaim: "), after(wet, "Total reclaimed space: ")
	if would == "" || did == "" || !strings.Contains(wet, "big:1") {
		t.Errorf("would %q, did %q: %s", would, did, wet)
	}
	l.ok("image", "inspect", "gantry/toolbox") // stopped containers count as users
	if out := l.ok("container", "prune", "-f", "--filter", "until=1h"); strings.Contains(out, "Deleted") {
		t.Errorf("until: %s", out)
	}
	l.fails(1, "invalid filter", "container", "prune", "-f", "--filter", "bogus=1")
	if out := l.ok("volume", "prune", "-a", "-f"); strings.Contains(out, "named") {
		t.Errorf("a volume in use went: %s", out)
	}
	if out := l.ok("system", "prune", "-a", "-f", "--volumes"); !strings.Contains(out, "Deleted Containers:") ||
		!strings.Contains(out, "untagged: gantry/toolbox:latest") || strings.Contains(out, "named") {
		t.Errorf("system prune: %s", out)
	}
	if out := l.ok("volume", "prune", "-a", "-f"); !strings.Contains(out, "named") {
		t.Errorf("volumes: %s", out)
	}
	if out := l.ok("verify"); out != "all is well\n" {
		t.Errorf("verify: %s", out)
	}
}

func after(s, lead string) string {
	_, rest, _ := strings.Cut(s, lead)
	return strings.TrimSpace(rest)
}

// TestKilledWork kills load, import and commit at many points: a name leads to
// a whole image, old or new, and nothing stray is left after a sweep.
func TestKilledWork(t *testing.T) {
	l := newLab(t)
	l.ok("create", "--name", "cc", "gantry/toolbox", "true")
	tars := filepath.Join(l.dir, "root.tar")
	l.ok("export", "-o", tars, "cc")
	saved := filepath.Join(l.dir, "saved.tar")
	l.ok("import", tars, "made:1")
	l.ok("save", "-o", saved, "made:1")
	fresh := l.ok("image", "inspect", "-f", "{{.Id}}", "made:1")
	l.ok("start", "-a", "cc")
	for name, argv := range map[string][]string{
		"load":   {"load", "-q", "-i", saved},
		"import": {"import", tars, "made:1"},
		"commit": {"commit", "cc", "made:1"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := l.gantry(argv...).took
			for i := range 12 {
				l.ok("tag", "gantry/toolbox", "made:1")
				l.ok("image", "prune", "-f")
				ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(i+1)/13)
				cmd := l.command(ctx, argv...)
				if err := l.start(cmd); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
				cancel()
				if r := l.gantry("run", "--rm", "--network", "none", "made:1", "/bin/sh", "-c", "true"); r.code != 0 {
					t.Fatalf("%s killed at %d/13: made:1 does not run: %s", name, i+1, r.err)
				}
				if r := l.gantry("verify"); r.code != 0 {
					t.Fatalf("%s killed at %d/13: %s", name, i+1, r.out)
				}
			}
			l.ok("verify", "--repair")
			if out := l.ok("verify"); out != "all is well\n" {
				t.Errorf("after a repair: %s", out)
			}
		})
	}
	l.ok("load", "-i", saved)
	if got := l.ok("image", "inspect", "-f", "{{.Id}}", "made:1"); got != fresh {
		t.Errorf("made:1 is %s, want %s", got, fresh)
	}
	left, err := os.ReadDir(filepath.Join(l.dir, "root", "tmp"))
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".part") })
	if err != nil || len(left) > 0 {
		t.Errorf("stray in tmp: %v %v", left, err)
	}
}

// TestPruneAgainstRun: neither fails the other, and nothing in use goes.
func TestPruneAgainstRun(t *testing.T) {
	l := newLab(t)
	root := filepath.Join(l.dir, "root.tar")
	l.ok("create", "--name", "maker", "gantry/toolbox", "true")
	l.ok("export", "-o", root, "maker")
	for i := range 8 {
		l.ok("import", root, "made:1")
		done := make(chan result)
		go func() { done <- l.gantry("system", "prune", "-a", "-f", "--volumes") }()
		r := l.gantry("run", "--name", "round", "--network", "none", "-v", "/data", "made:1", "/bin/sh", "-c", "echo hi > /data/x && cat /data/x")
		if p := <-done; p.code != 0 {
			t.Fatalf("round %d: prune: %+v", i, p)
		}
		// The prune may have come first; what it must not do is to cut a run in two.
		if r.code != 0 && !strings.Contains(r.err, "made:1") {
			t.Fatalf("round %d: run: %+v", i, r)
		}
		l.gantry("rm", "-f", "-v", "round")
		l.ok("create", "--name", "round", "gantry/toolbox", "true")
		l.ok("rm", "round")
		if out := l.ok("verify"); strings.Contains(out, "layer sha256") || strings.Contains(out, "document") {
			t.Fatalf("round %d: %s", i, out)
		}
	}
}

func unzstd(t *testing.T, data string) string {
	t.Helper()
	z, err := zstd.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
