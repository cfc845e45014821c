package runtime

import (
	"os"
	"strings"
	"testing"
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

func BenchmarkRunTrue(b *testing.B) {
	root := box(b)
	for b.Loop() {
		spec := Spec{ID: "bench", StateRoot: b.TempDir(), Rootfs: root, Args: []string{"/bin/true"}, Env: []string{"PATH=/bin"}, Hostname: "x"}
		if os.Getenv("UNCONFINED") != "" {
			spec.SeccompUnconfined = true
		}
		c, err := Create(spec)
		check(b, err)
		p, err := c.Start(Stdio{})
		check(b, err)
		check(b, c.Release())
		_, _ = p.Wait()
		check(b, c.Destroy())
	}
}
