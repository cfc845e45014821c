package uitest

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gantry/engine"
	"gantry/internal/golden"
	"gantry/ui"
	"gantry/ui/screens"
)

// inspect opens the inspector of nginx.
func inspect(t testing.TB, cfg Config) *Driver {
	t.Helper()
	if cfg.Backend.Images == nil {
		cfg.Backend = layersSample(t).Backend()
	}
	d := Start(t, cfg)
	return d.WaitFor("busybox").Press("j", "j", "enter").WaitFor("reclaimable")
}

// toNginxConf selects /etc/nginx/nginx.conf by filter.
func (d *Driver) toNginxConf() *Driver {
	return d.Press("/").Type("nginx.conf").WaitFor("filter: nginx.conf").Press("enter").WaitFor("changed in 4")
}

func TestLayersScreens(t *testing.T) {
	scenes := []struct {
		name string
		play func(d *Driver)
	}{
		{"layers", func(*Driver) {}},
		{"layers-tree", func(d *Driver) {
			d.Press("tab", "j", "enter", "j").WaitFor("removed in 6")
		}},
		{"layers-filter", func(d *Driver) { d.Press("/").Type("~ng[a-z]*x").WaitFor("~1 -1 =2") }},
		{"layers-range", func(d *Driver) { d.Press("v", "k", "k").WaitFor("LAYERS 4 TO 6") }},
		{"layers-whole", func(d *Driver) { d.Press("w", "tab", "z", "S", "u").WaitFor("by size") }},
		{"layers-history", func(d *Driver) { d.toNginxConf().Press("H").WaitFor("made     ") }},
		{"layers-compare", func(d *Driver) { d.Press("c").Type("nginx:1.26\r").WaitFor("AGAINST") }},
		{"layers-setuid", func(d *Driver) { d.Press("/").Type("passwd").WaitFor("setuid") }},
		{"layers-search", func(d *Driver) { d.Press("F").Type("nginx\r").WaitFor("7 lines") }},
		{"file", func(d *Driver) { d.toNginxConf().Press("enter").WaitFor("4096") }},
		{"file-diff", func(d *Driver) { d.toNginxConf().Press("D").WaitFor("@@") }},
		{"file-hex", func(d *Driver) { d.toNginxConf().Press("enter").WaitFor("4096").Press("t").WaitFor("00000010") }},
		{"layers-help", func(d *Driver) { d.Press("?").WaitFor("scrolls") }},
	}
	for _, size := range sizes {
		for _, sc := range scenes {
			t.Run(size.name+"/"+sc.name, func(t *testing.T) {
				t.Parallel()
				d := inspect(t, Config{Width: size.width, Height: size.height})
				if sc.name == "layers-help" && size.height > 40 {
					t.Skip("all of it fits")
				}
				sc.play(d)
				golden.Check(t, size.name+"/"+sc.name, d.Settle().Screen())
			})
		}
	}
}

// TestLayersNoColour keeps the attributes in the goldens: signs and words must
// tell everything.
func TestLayersNoColour(t *testing.T) {
	t.Parallel()
	styled := func(d *Driver) string { return strings.ReplaceAll(d.Settle().Styled(), "\x1b", "␛") }
	d := Start(t, Config{Width: 80, Height: 24, Backend: layersSample(t).Backend(), NoColor: true})
	golden.Check(t, "80x24/images-nocolour", styled(d.WaitFor("busybox")))
	d.Press("j", "j", "enter").WaitFor("reclaimable").Press("tab", "j", "enter", "j").WaitFor("removed in 6")
	golden.Check(t, "80x24/layers-nocolour", styled(d))
}

func TestLayersASCII(t *testing.T) {
	t.Parallel()
	cfg := Config{Width: 80, Height: 24}
	cfg.Options.Environ = []string{"TERM=xterm", "LANG=C"}
	d := inspect(t, cfg).Press("tab", "z").WaitFor("nginx.conf").Settle()
	golden.Check(t, "80x24/layers-ascii", d.Screen())
	for _, b := range d.Raw() {
		if b >= 0x80 {
			t.Fatalf("byte %#x was written to a terminal without UTF-8", b)
		}
	}
}

func TestLayersKeys(t *testing.T) {
	t.Parallel()
	tests := []struct {
		keys []string
		want string
	}{
		{[]string{"D"}, "select a path in the tree first: tab"},
		{[]string{"e"}, "cannot open a shell on a layer"},
		{[]string{"tab", "D"}, "there is only this version"},
		{[]string{"k", "x"}, "this instruction made no layer"},
		{[]string{"a"}, "(+0)"},
		{[]string{"m", "r", "u"}, "nothing passes the filters"},
		{[]string{"M", "5", "0", "0", "k", "B", "enter"}, "from 500 kB"},
		{[]string{"M", "x", "enter"}, "is no size"},
		{[]string{"w"}, "ALL UP TO LAYER 6"},
		{[]string{"k", "k", "k"}, "LAYER 3"},
		{[]string{"v", "v"}, "LAYER 6"},
		{[]string{"v", "k", "esc"}, "LAYER 5"},
		{[]string{"/", "~", "(", "enter"}, "missing closing )"},
		{[]string{"/", "tab"}, "filter (regular expression): "},
		{[]string{"f", "f", "/", "e", "n", "c", "f", "enter"}, "filter (fuzzy): encf"},
		{[]string{"tab", "enter", "j", "j", "enter"}, "/bin/busybox"},
		{[]string{"tab", "G", "h"}, "6 of 7"},
		{[]string{"c", "n", "o", "s", "u", "c", "h", "enter"}, "image nosuch: "},
		{[]string{"F", "n", "o", "t", "h", "e", "r", "e", "enter"}, `no file has "nothere" in it`},
		{[]string{"y"}, "copied RUN rm -rf"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.keys, " "), func(t *testing.T) {
			t.Parallel()
			inspect(t, Config{Width: 100, Height: 30}).Settle().Press(tt.keys...).WaitFor(tt.want)
		})
	}
}

func TestLayersVersions(t *testing.T) {
	t.Parallel()
	d := inspect(t, Config{Width: 120, Height: 30}).toNginxConf()
	d.Press("[").WaitFor("LAYER 4").Press("[").WaitFor("LAYER 3").WaitFor("made in 3").Press("[").WaitFor("no older version")
	d.Press("]").WaitFor("LAYER 4").Press("]").WaitFor("no newer version")
	d.Press("H").WaitFor("made     ").Press("enter").WaitFor("LAYER 3")
	d.Press("enter").WaitFor("1024").Press("]").WaitFor("4096").WaitFor("version 2 of 2").Press("D").WaitFor("layer 3 → layer 4")
	d.Press("[").WaitFor("1024").WaitFor("version 1 of 2").Press("D").WaitFor("this is the first version")
}

// TestLayersCompareReads views and compares a file that two images have.
func TestLayersCompareReads(t *testing.T) {
	t.Parallel()
	d := inspect(t, Config{Width: 120, Height: 30}).Press("c").Type("nginx:1.26\r").WaitFor("AGAINST")
	d.toNginxConf().Press("D").WaitFor("nginx:1.26 → nginx:1.27-alpine").WaitFor("+ include")
	d.Press("esc").WaitFor("AGAINST").Press("[").WaitFor("two images are compared").Press("esc", "esc").WaitFor("LAYER")
	d.Press("/").Type("legacy").WaitFor("nothing passes").Press("esc", "c").Type("nginx:1.26\r").WaitFor("AGAINST")
	d.Press("/").Type("legacy").WaitFor("- ").Press("enter").Press("enter").WaitFor("echo gone")
}

// copied is what a copy wrote for the terminal's clipboard.
func (d *Driver) copied(want string) {
	d.t.Helper()
	if seq := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(want)); !bytes.Contains(d.Raw(), []byte(seq)) {
		d.t.Errorf("%q was not copied", want)
	}
}

func TestLayersCopyAndExtract(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	d := inspect(t, Config{Width: 120, Height: 30}).toNginxConf()
	d.Press("y").WaitFor("copied /etc/nginx/nginx.conf").copied("/etc/nginx/nginx.conf")
	d.Press("Y").WaitFor("copied sha256:")
	d.Press("x").WaitFor("extract /etc/nginx").Press("ctrl+u").Type(tmp + "/conf\r").WaitFor("extracted to")
	if data, err := os.ReadFile(tmp + "/conf"); err != nil || !strings.Contains(string(data), "4096") {
		t.Errorf("extracted %q, %v", data, err)
	}
	d.Press("x").WaitFor("extract /etc/nginx").Press("ctrl+u").Type(tmp + "/conf\r").WaitFor("already exists")
	d.Press("esc").WaitGone("close").Press("tab").WaitFor("6 of 7").Press("x").WaitFor("extract layer 6 as a tar").Press("ctrl+u").Type(tmp + "/l.tar\r").WaitFor("l.tar")
	if _, err := os.Stat(filepath.Join(tmp, "l.tar")); err != nil {
		t.Error(err)
	}
}

// slowSource answers to Grep when it is told to.
type slowSource struct {
	screens.LayerSource
	ended chan error
}

func (s slowSource) Grep(ctx context.Context, _ engine.GrepOptions, found func(engine.GrepHit) bool) error {
	found(engine.GrepHit{Layer: 0, Path: "etc/passwd", Line: 1, Text: "the first"})
	<-ctx.Done()
	s.ended <- ctx.Err()
	return ctx.Err()
}

func TestSearchStreamsAndStops(t *testing.T) {
	t.Parallel()
	f := layersSample(t)
	ended := make(chan error, 2)
	f.LayersFunc = func(context.Context, string) (screens.LayerSource, error) {
		return slowSource{ui.Layers(openTest(t, "x", sampleLayers())), ended}, nil
	}
	d := inspect(t, Config{Width: 100, Height: 30, Backend: f.Backend()})
	d.Press("F").Type("root\r").WaitFor("the first").WaitFor("searching").Press("s").WaitFor("stopped")
	<-ended
	d.Press("enter").WaitFor("root:x:0:0").Press("esc", "esc").WaitFor("reclaimable")
	d.Press("F").Type("root\r").WaitFor("the first").Press("esc").WaitFor("reclaimable")
	<-ended // leaving ends the search
}

// TestLayersThatFail shows why an image cannot be opened.
func TestLayersThatFail(t *testing.T) {
	t.Parallel()
	f := layersSample(t)
	f.LayersFunc = func(context.Context, string) (screens.LayerSource, error) {
		return nil, fmt.Errorf("layer 3: %w\x1b[2J", engine.ErrDamaged)
	}
	d := Start(t, Config{Width: 80, Height: 24, Backend: f.Backend()})
	d.WaitFor("busybox").Press("enter").WaitFor("cannot be inspected: layer 3").Press("tab").WaitFor("! the image").Press("esc").WaitFor("busybox")
	d.audit()
}

// TestLayersHostile inspects an image whose paths, links, attributes,
// instructions and content try to steer the terminal.
func TestLayersHostile(t *testing.T) {
	for i, s := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			f := sample()
			f.LayersFunc = func(context.Context, string) (screens.LayerSource, error) {
				return ui.Layers(openTest(t, s, hostileLayers(s))), nil
			}
			d := inspect(t, Config{Width: 120, Height: 40, Backend: f.Backend()}).Settle()
			d.Press("tab", "z").WaitFor("zz-last").Settle()
			if lines := d.Lines(); len(lines) != 40 || !strings.HasPrefix(lines[0], " gantry") || !strings.Contains(lines[3], "INSTRUCTION") {
				t.Errorf("the layout is broken:\n%s", d.Screen())
			}
			d.Press("g", "j", "enter").Settle().Press("esc", "j", "H").Settle().Press("esc")
			d.Press("/").Type("zz-last").Press("enter").WaitFor("/zz-last").Press("enter").WaitFor("end of file").Press("w", "t").Settle()
			d.Press("esc", "F").Type("end of").Press("enter").WaitFor("line").Settle()
			d.audit()
		})
	}
}

// hostileLayers put s wherever an image has text. A tar's names end at a NUL.
func hostileLayers(s string) []testLayer {
	name := strings.Trim(strings.NewReplacer("\x00", "", "/", "_").Replace(s), ".")
	if len(name) > 200 {
		name = name[:200]
	}
	attributes := file("attr", "x", 0o644)
	attributes.PAXRecords = map[string]string{"SCHILY.xattr.user.x": strings.ReplaceAll(s, "\x00", "")}
	return []testLayer{
		{s, []tar.Header{attributes, file("a"+name, s, 0o644), symlink("b", "x"+name), file("zz-last", s+"\n\t"+s+"\nend of file\n", 0o644)}, day},
		{"", nil, day},
		{"RUN " + s, []tar.Header{file("zz-last", s+"\nend of file\n", 0o755)}, day},
	}
}

// hugeSource gives a gigabyte for every file and counts what is read of it.
type hugeSource struct {
	screens.LayerSource
	read     *atomic.Int64
	seekable bool
}

const gigabyte = 1 << 30

func (s hugeSource) Path(path string) []engine.PathVersion {
	versions := s.LayerSource.Path(path)
	for i := range versions {
		versions[i].Size = gigabyte
	}
	return versions
}

func (s hugeSource) Open(context.Context, int, string) (*engine.FileContent, error) {
	f := &hugeFile{read: s.read}
	c := &engine.FileContent{Version: engine.PathVersion{Size: gigabyte}, ReadCloser: struct{ io.ReadCloser }{f}}
	if s.seekable {
		c.ReadCloser = f
	}
	return c, nil
}

type hugeFile struct {
	at   int64
	read *atomic.Int64
}

func (f *hugeFile) Close() error { return nil }

func (f *hugeFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	return n, err
}

func (f *hugeFile) ReadAt(p []byte, off int64) (int, error) {
	const line = "a line of 32 bytes, feed and all\n"
	for i := range p {
		p[i] = line[(off+int64(i))%int64(len(line))]
	}
	f.read.Add(int64(len(p)))
	return len(p), nil
}

// TestHugeFile pages through a gigabyte and must read a few windows only.
func TestHugeFile(t *testing.T) {
	t.Parallel()
	for _, seekable := range []bool{true, false} {
		var read atomic.Int64
		f := layersSample(t)
		f.LayersFunc = func(context.Context, string) (screens.LayerSource, error) {
			return hugeSource{ui.Layers(openTest(t, "x", sampleLayers())), &read, seekable}, nil
		}
		d := inspect(t, Config{Width: 120, Height: 30, Backend: f.Backend()}).toNginxConf()
		d.Press("enter").WaitFor("bytes 0-").Press("G", "j").WaitGone("bytes 0-").WaitFor("7944 a line").Press("k").WaitFor("bytes 0-")
		if !seekable {
			d.WaitFor("only the beginning")
		}
		d.Press("D").WaitFor("not compared line by line").Press("D").WaitFor("bytes 0-")
		if n := read.Load(); n > 70<<20 || seekable && n > 4<<20 {
			t.Errorf("seekable %v: %d bytes were read", seekable, n)
		}
	}
}
