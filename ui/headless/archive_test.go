package headless

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"gantry/engine"
)

// keeper is an engine with archives, prunes and a health.
type keeper struct {
	*fakeEngine
	problems []engine.Problem
	asked    []engine.PruneOptions
}

func (k *keeper) Save(_ context.Context, refs []string, o engine.SaveOptions) error {
	if o.Path == "" && o.Dir == "" {
		_, err := fmt.Fprint(o.To, strings.Join(refs, "+"))
		return err
	}
	k.note("save %v %s%s %s", refs, o.Path, o.Dir, o.Platform)
	return nil
}

func (k *keeper) Load(_ context.Context, o engine.LoadOptions, _ engine.Sink) ([]engine.Loaded, error) {
	if o.Path == "bad" {
		return nil, errors.New("not an image archive (text file); for a root filesystem use import")
	}
	return []engine.Loaded{{ID: "sha256:1", Names: []string{"a:1", "b:2"}}, {ID: "sha256:2", Ignored: []string{"BAD"}}}, nil
}

func (k *keeper) Import(_ context.Context, o engine.ImportOptions) (engine.Image, error) {
	k.note("import %s %s %q %q %s", o.Source, o.Name, o.Message, o.Changes, o.Platform)
	return engine.Image{ID: "sha256:3"}, nil
}

func (k *keeper) Export(_ context.Context, ref string, w io.Writer) error {
	_, err := fmt.Fprint(w, "files of "+ref)
	return err
}

func (k *keeper) Commit(_ context.Context, ref, name string, o engine.CommitOptions) (engine.Image, error) {
	k.note("commit %s %s %+v", ref, name, o)
	return engine.Image{ID: "sha256:4"}, nil
}

func (k *keeper) PruneImages(_ context.Context, o engine.PruneOptions) (engine.PruneResult, error) {
	k.asked = append(k.asked, o)
	res := engine.PruneResult{Bytes: 12_300_000}
	res.Untagged, res.Deleted = []string{"a:1"}, []string{"sha256:1"}
	return res, nil
}

func (k *keeper) PruneContainers(context.Context, engine.PruneOptions) (engine.PruneResult, error) {
	res := engine.PruneResult{Bytes: 212}
	res.Deleted = []string{"c0ffee"}
	return res, nil
}

func (k *keeper) PruneVolumes(context.Context, engine.PruneOptions) (engine.PruneResult, error) {
	return engine.PruneResult{}, nil
}

func (k *keeper) Verify(context.Context, bool, engine.Sink) ([]engine.Problem, error) {
	return k.problems, nil
}

func (k *keeper) DiskUsage(context.Context) (engine.DiskUsage, error) {
	return engine.DiskUsage{Images: []engine.ImageUsage{{Containers: 1}, {}}, ImageBytes: 200, ImageReclaimable: 50}, nil
}

// keep runs a command line against a keeper.
func keep(k *keeper, tty bool, in string, argv ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	if k.fakeEngine == nil {
		k.fakeEngine = sample()
	}
	a := newApp(IO{In: strings.NewReader(in), Out: &out, Err: &errs, Env: environ},
		func(context.Context) (door, error) { return k, nil }, Options{})
	a.outTTY = tty
	code = a.execute(context.Background(), argv)
	return out.String(), errs.String(), code
}

func TestArchiveCommands(t *testing.T) {
	for _, c := range []struct {
		line string
		out  string
		err  string
		call string
		code int
	}{
		{line: "save a b", out: "a+b"},
		{line: "save -o x.tar --platform linux/arm64 a", call: "save [a] x.tar linux/arm64"},
		{line: "save --format oci-dir -o d a", call: "save [a] d "},
		{line: "save --format oci-dir a", err: "needs a directory", code: 1},
		{line: "save --format zip a", err: "unknown format 'zip'", code: 1},
		{line: "save -o /nope/x a", err: `directory "/nope" does not exist`, code: 1},
		{line: "save", err: "requires at least 1 argument", code: 1},
		{line: "load -q", out: "Loaded image: a:1\nLoaded image: b:2\nLoaded image ID: sha256:2\n", err: "BAD is no valid name"},
		{line: "image load -i bad", err: "gantry: not an image archive (text file)", code: 1},
		{line: "import -m why --change X=1 - n:1", out: "sha256:3\n", call: `import - n:1 "why" ["X=1"] `},
		{line: "import /nope", err: "no such file", code: 1},
		{line: "export web", out: "files of web"},
		{line: "commit -a me -m why -c X web n:1", out: "sha256:4\n", call: "commit web n:1 {Author:me Message:why Changes:[X] NoPause:false}"},
		{line: "commit -p=false web", out: "sha256:4\n", call: "NoPause:true"},
		{line: "commit --no-pause web", out: "sha256:4\n", call: "NoPause:true"},
		{line: "image prune -f", out: "Deleted Images:\nuntagged: a:1\ndeleted: sha256:1\n\nTotal reclaimed space: 12.3MB\n"},
		{line: "image prune --dry-run", out: "Deleted Images:\nuntagged: a:1\ndeleted: sha256:1\n\nWould reclaim: 12.3MB\n"},
		{line: "container prune -f", out: "Deleted Containers:\nc0ffee\n\nTotal reclaimed space: 212B\n"},
		{line: "volume prune -f", out: "Total reclaimed space: 0B\n"},
		{line: "system prune --volumes --filter until=1h -f", err: `"until" filter is not supported with "--volumes"`, code: 1},
		{line: "image prune --filter x=y -f", err: "invalid filter 'x'", code: 1},
		{line: "image prune --filter until=soon -f", err: "invalid filter 'until=soon'", code: 1},
		{line: "system df", out: "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE\nImages          2         1         200B      50B (25%)\n" +
			"Containers      0         0         0B        0B\nLocal Volumes   0         0         0B        0B\nBuild Cache     0         0         0B        0B\n"},
		{line: "system df -v --format json", err: "exclude each other", code: 1},
		{line: "verify", out: "all is well\n"},
	} {
		t.Run(c.line, func(t *testing.T) {
			k := &keeper{}
			out, errs, code := keep(k, false, "", strings.Fields(c.line)...)
			if out != c.out || code != c.code || !strings.Contains(errs, c.err) {
				t.Errorf("out %q, err %q, code %d", out, errs, code)
			}
			if calls := strings.Join(k.calls, "\n"); !strings.Contains(calls, c.call) {
				t.Errorf("asked %q, want %q", calls, c.call)
			}
		})
	}
}

// TestNoTarOnATerminal: bytes for a file are not written to a screen.
func TestNoTarOnATerminal(t *testing.T) {
	for _, line := range []string{"save a", "export web"} {
		out, errs, code := keep(&keeper{}, true, "", strings.Fields(line)...)
		if out != "" || code != 1 || !strings.Contains(errs, "cowardly refusing to save to a terminal") {
			t.Errorf("%s: out %q, err %q, code %d", line, out, errs, code)
		}
	}
}

func TestPruneAsks(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 2, "Y": 2, "n\n": 1, "\n": 1, "": 1, "yes\n": 1} {
		k := &keeper{}
		out, _, code := keep(k, false, answer, "image", "prune", "-a", "--filter", "label=a=1", "--filter", "label!=b")
		if len(k.asked) != want || code != 0 || !strings.Contains(out, "This frees 12.3MB.") {
			t.Errorf("answer %q: asked %d times, code %d: %s", answer, len(k.asked), code, out)
		}
		if o := k.asked[0]; !o.DryRun || !o.All || o.Labels["a"] != "1" || len(o.Not) != 1 {
			t.Errorf("options %+v", o)
		}
	}
}

func TestVerifyReports(t *testing.T) {
	orphan := engine.Problem{Kind: "orphan", ID: "blob x", Bytes: 1000, Fix: "image prune"}
	layer := engine.Problem{Kind: "layer", ID: "sha256:1", Images: []string{"a:1"}, Detail: "\"etc\" is missing", Fix: "pull a:1 again"}
	mended := layer
	mended.Repaired = true
	for _, c := range []struct {
		found []engine.Problem
		out   string
		code  int
	}{
		{[]engine.Problem{orphan}, "1 unneeded blobs and layers: image prune frees 1kB\n", 0},
		{[]engine.Problem{layer}, "layer sha256:1 of a:1: \"etc\" is missing: pull a:1 again\n", 1},
		{[]engine.Problem{mended}, "layer sha256:1 of a:1: \"etc\" is missing: repaired\n", 0},
	} {
		if out, _, code := keep(&keeper{problems: c.found}, false, "", "verify"); out != c.out || code != c.code {
			t.Errorf("out %q, code %d; want %q, %d", out, code, c.out, c.code)
		}
	}
}
