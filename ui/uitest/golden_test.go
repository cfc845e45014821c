package uitest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gantry/engine"
	"gantry/internal/golden"
)

var sizes = []struct {
	name          string
	width, height int
}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"200x60", 200, 60}}

// scene is one screen of the goldens: the keys that lead to it and a text that
// says it is there.
type scene struct {
	name string
	keys []string
	text string
}

func sample() *Fake {
	f := NewFake(SampleImages(), SampleContainers())
	f.SetHistory(SampleHistory())
	f.PullFunc = stuckPull
	for i := range 90 {
		f.WriteLog(fmt.Sprintf("GET /api/v1/items/%d 200 %dms", i, i*7%90))
	}
	f.WriteLog("E panic: connection refused", "\x1b[33mretrying\x1b[0m in 5s", "a\tb\tcolumns",
		"a line that is much longer than the screen is wide: "+strings.Repeat("lorem ipsum dolor ", 12))
	return f
}

// stuckPull shows a pull in the middle.
func stuckPull(ctx context.Context, _ string, sink engine.Sink) (engine.Image, error) {
	sink.Step(engine.Step{ID: "1", Name: "9d4f7a2b1c3e", Action: "Pull complete", State: "done", Current: 29_000_000, Total: 29_000_000})
	sink.Step(engine.Step{ID: "2", Name: "5b1e0c7d9a42", Action: "Extracting", State: "active", Current: 12_000_000, Total: 48_000_000})
	sink.Step(engine.Step{ID: "3", Name: "c3a9e8f61d07", Action: "Downloading", Detail: "stalled 12 s", State: "active", Current: 3_000_000, Total: 90_000_000})
	sink.Step(engine.Step{ID: "4", Name: "77aa0f3e2b18", Action: "Waiting", State: "waiting"})
	<-ctx.Done()
	return engine.Image{}, ctx.Err()
}

func TestScreens(t *testing.T) {
	scenes := []scene{
		{"images", nil, "busybox"},
		{"image-detail", []string{"j", "j", "i"}, "History"},
		{"image-delete", []string{"j", "j", "j", "j", "j", "d"}, "are freed"},
		{"images-delete-base", []string{"j", "j", "j", "j", "j", "j", "j", "d"}, "Built on it"},
		{"images-prune", []string{"b", "j", "enter"}, "are freed"},
		{"images-delete-marked", []string{"j", "j", "j", "j", "j", "space", "j", "space", "d"}, "are freed"},
		{"containers", []string{"2"}, "nightly-import"},
		{"container-detail", []string{"2", "j", "i"}, "On this machine"},
		{"container-delete", []string{"2", "space", "space", "d"}, "delete 2 containers?"},
		{"logs", []string{"2", "l"}, "following"},
		{"logs-paused", []string{"2", "l", "f", "k", "w", "t"}, "› 09-01"},
		{"help", []string{"2", "?"}, "any"},
		{"palette", []string{":"}, "an action, or"},
		{"run-form", []string{"j", "j", "n"}, "throw away"},
		{"pull", []string{"P", "debian:12", "enter"}, "stalled"},
		{"sort", []string{"S"}, "sort by"},
		{"filter", []string{"/", "shop"}, "filter: shop"},
	}
	for _, size := range sizes {
		for _, sc := range scenes {
			t.Run(size.name+"/"+sc.name, func(t *testing.T) {
				t.Parallel()
				d := Start(t, Config{Width: size.width, Height: size.height, Backend: layersSample(t).Backend()})
				d.WaitFor("busybox")
				d.play(sc)
				golden.Check(t, size.name+"/"+sc.name, d.Screen())
			})
		}
	}
}

// play presses a scene's keys; the log must be there before keys act on it.
func (d *Driver) play(sc scene) {
	d.t.Helper()
	for _, k := range sc.keys {
		d.Press(k)
		if k == "l" {
			d.WaitFor("following").WaitFor("lorem").Settle()
		}
	}
	d.WaitFor(sc.text).Settle()
}

func TestEmptyScreens(t *testing.T) {
	for _, size := range sizes[:2] {
		for name, key := range map[string]string{"empty-images": "1", "empty-containers": "2"} {
			t.Run(size.name+"/"+name, func(t *testing.T) {
				d := Start(t, Config{Width: size.width, Height: size.height, Backend: NewFake(nil, nil).Backend()})
				d.Press(key).WaitFor("yet").Settle()
				golden.Check(t, size.name+"/"+name, d.Screen())
			})
		}
	}
}

// TestNoColour keeps the attributes in the golden: without colour they, the
// signs and the words must tell everything.
func TestNoColour(t *testing.T) {
	d := Start(t, Config{Width: 80, Height: 24, Backend: sample().Backend(), NoColor: true})
	d.Press("2").WaitFor("nightly-import").Settle()
	golden.Check(t, "80x24/containers-nocolour", strings.ReplaceAll(d.Styled(), "\x1b", "␛"))
}

func TestASCII(t *testing.T) {
	f := sample()
	f.AddImage(Image(20, 1000, day, "naïve:1"))
	cfg := Config{Width: 80, Height: 24, Backend: f.Backend()}
	cfg.Options.Environ = []string{"TERM=vt-unknown", "LANG=C"}
	d := Start(t, cfg)
	d.WaitFor("busybox").Press("P").WaitFor("pull an image").Settle()
	golden.Check(t, "80x24/ascii", d.Screen())
	for _, b := range d.Raw() {
		if b >= 0x80 {
			t.Fatalf("byte %#x was written to a terminal without UTF-8", b)
		}
	}
}

func TestTooSmall(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {20, 5}, {59, 24}, {80, 15}} {
		d := Start(t, Config{Width: size[0], Height: size[1], Backend: sample().Backend()})
		if size[0] > 19 {
			d.WaitFor("gantry needs")
		}
		d.Settle()
		d.Resize(80, 24).WaitFor("busybox")
	}
}
