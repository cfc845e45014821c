package runtime

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	out, code := run(t, specOf(t, "/bin/sh", "-c", "id -u; hostname; pwd; exit 7"))
	if want := "0\nbox\n/\n"; out != want || code != 7 {
		t.Errorf("run = %q, %d, want %q, 7", out, code, want)
	}
}

func TestStatus(t *testing.T) {
	out := sh(t, "grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status")
	for _, want := range []string{
		"CapInh:\t0000000000000000", "CapPrm:\t00000000800405fb", "CapEff:\t00000000800405fb",
		"CapBnd:\t00000000800405fb", "CapAmb:\t0000000000000000", "NoNewPrivs:\t0", "Seccomp:\t2",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("status lacks %q:\n%s", want, out)
		}
	}
}

// BenchmarkRunTrue reports medians, because the machine is shared.
func BenchmarkRunTrue(b *testing.B) {
	root := box(b)
	for name, change := range map[string]func(*Spec){
		"default":    func(*Spec) {},
		"unconfined": func(s *Spec) { s.SeccompUnconfined = true },
		"hostnet":    func(s *Spec) { s.NetNS = "host" },
	} {
		b.Run(name, func(b *testing.B) {
			var all, starts []time.Duration
			state := tmpfsDir(b)
			for b.Loop() {
				spec := Spec{ID: "bench", StateRoot: state, Rootfs: root, Args: []string{"/bin/true"}, Hostname: "x"}
				change(&spec)
				begun := time.Now()
				c, err := Create(spec)
				check(b, err)
				p, err := c.Start(Stdio{})
				check(b, err)
				starts = append(starts, time.Since(begun))
				check(b, c.Release())
				_, _ = p.Wait()
				check(b, c.Destroy())
				all = append(all, time.Since(begun))
			}
			b.ReportMetric(median(all), "ms-median")
			b.ReportMetric(float64(all[0])/float64(time.Millisecond), "ms-min") // median sorted them
			b.ReportMetric(median(starts), "ms-start")
		})
	}
}

// tmpfsDir is a directory like /run's, where the state belongs.
func tmpfsDir(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "gantry-bench-")
	check(b, err)
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func BenchmarkExecTrue(b *testing.B) {
	spec := specOf(b, "/bin/sleep", "1000")
	spec.StateRoot = tmpfsDir(b)
	r := start(b, spec)
	var all []time.Duration
	for b.Loop() {
		begun := time.Now()
		p, err := r.Container.Exec(ExecSpec{Args: []string{"/bin/true"}}, Stdio{})
		check(b, err)
		_, _ = p.Wait()
		all = append(all, time.Since(begun))
	}
	b.ReportMetric(median(all), "ms-median")
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}
