package uitest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gantry/engine"
)

// perChange is the most a change of one row may write at 120×40.
const perChange = 300

func many(n int) ([]engine.Image, []engine.Container) {
	var images []engine.Image
	var containers []engine.Container
	for i := range n {
		images = append(images, Image(i, int64(i+1)*1_234_567, day, fmt.Sprintf("registry.example/team/service-%d:v%d", i, i)))
		c := Container(i%20, fmt.Sprintf("service-%d", i), "nginx:1.27-alpine", engine.Running)
		c.ID = fmt.Sprintf("%064d", i)
		c.Config.Cmd = []string{"nginx", "-g", "daemon off;"}
		c.Host.Ports = []engine.PortMapping{{HostPort: uint16(8000 + i%1000), ContainerPort: 80, Proto: "tcp"}}
		containers = append(containers, c)
	}
	return images, containers
}

func TestBytesWritten(t *testing.T) {
	for _, screen := range []string{"1", "2"} {
		f := NewFake(many(500))
		d := Start(t, Config{Width: 120, Height: 40, Backend: f.Backend()})
		d.Press("2").WaitFor("service-0").Press(screen).WaitFor("service-0").Settle()
		d.Press("j", "j").Settle()
		if n := d.Bytes(func() { d.Press("j").WaitFor("4 of 500") }); n > perChange {
			t.Errorf("screen %s: moving the cursor wrote %d bytes, want at most %d", screen, n, perChange)
		} else {
			t.Logf("screen %s: cursor move %d B", screen, n)
		}
		if n := d.Bytes(func() {}); n != 0 {
			t.Errorf("screen %s: idle wrote %d bytes, want 0", screen, n)
		}
	}
}

func TestRowChangeBytes(t *testing.T) {
	f := NewFake(many(500))
	d := Start(t, Config{Width: 120, Height: 40, Backend: f.Backend()})
	d.Press("2").WaitFor("service-9").Settle()
	n := d.Bytes(func() {
		f.Change("containers", func(f *Fake) {
			f.EachContainer(func(i int, c *engine.Container) {
				if i == 5 {
					c.State.Status = engine.Paused
				}
			})
		})
		d.WaitFor("paused")
	})
	t.Logf("row change %d B", n)
	if n > perChange {
		t.Errorf("one changed row wrote %d bytes, want at most %d", n, perChange)
	}
}

// TestUnchangedListIsSilent holds even while changes are reported.
func TestUnchangedListIsSilent(t *testing.T) {
	f := NewFake(SampleImages(), SampleContainers())
	d := Start(t, Config{Width: 120, Height: 40, Backend: f.Backend()})
	d.WaitFor("busybox").Settle()
	n := d.Bytes(func() {
		for range 50 {
			f.Change("containers", func(*Fake) {})
		}
	})
	if n != 0 {
		t.Errorf("50 reports without a change wrote %d bytes, want 0", n)
	}
}

func TestLogLineBytes(t *testing.T) {
	f := NewFake(SampleImages(), SampleContainers())
	for i := range 200 {
		f.WriteLog(fmt.Sprintf("GET /api/v1/items/%d 200 some text that is of usual length for a line", i))
	}
	d := Start(t, Config{Width: 120, Height: 40, Backend: f.Backend()})
	d.Press("2").WaitFor("nightly").Press("l").WaitFor("items/199").Settle()
	n := d.Bytes(func() {
		f.WriteLog("GET /api/v1/items/200 200 some text that is of usual length for a line")
		d.WaitFor("items/200")
	})
	t.Logf("log line %d B", n)
	if n > perChange {
		t.Errorf("one log line wrote %d bytes, want at most %d", n, perChange)
	}
}

// TestResizeStorm sends sizes from 1×1 to 500×200 on every kind of screen.
func TestResizeStorm(t *testing.T) {
	scenes := []scene{
		{"images", nil, "busybox"},
		{"containers", []string{"2"}, "nightly"},
		{"logs", []string{"2", "l", "w"}, "items"},
		{"help", []string{"?"}, "keys"},
		{"palette", []string{":"}, "an action, or"},
		{"form", []string{"n"}, "throw"},
		{"detail", []string{"i", "w"}, "History"},
		{"layers", []string{"enter"}, "reclaimable"},
		{"pull", []string{"P", "debian:12", "enter"}, "stalled"},
	}
	for i, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			d := Start(t, Config{Width: 120, Height: 40, Backend: layersSample(t).Backend()})
			d.WaitFor("busybox")
			d.play(sc)
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 60 {
				d.Resize(1+random.IntN(500), 1+random.IntN(200))
			}
			d.Resize(1, 1).Resize(500, 200).Resize(120, 40).WaitFor(sc.text).Settle()
			if n := len(d.Lines()); n != 40 {
				t.Errorf("after the storm the screen has %d lines, want 40", n)
			}
		})
	}
}
