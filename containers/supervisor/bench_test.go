package supervisor

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"gantry/containers"
	"gantry/containers/attach"
)

// Medians, because the machine may be shared. The test binary should not lie
// in a directory above the temporary one: libcontainer then copies it for
// every start instead of mounting it.

func BenchmarkRunTrue(b *testing.B) {
	r := newRig(b)
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		rec := containers.Record{Platform: "linux/amd64"}
		rec.Config.Cmd, rec.Host.NetworkMode, rec.Host.AutoRemove = []string{"true"}, "none", true
		rec, err := r.m.Create(b.Context(), rec)
		check(b, err)
		s := r.start(rec.ID, containers.StartInput{Attach: true})
		if res, err := s.Stream(b.Context(), attach.Streams{}); err != nil || res.ExitCode != 0 {
			b.Fatal(res, err)
		}
		took = append(took, time.Since(begun))
	}
	report(b, took, "ms-median", time.Millisecond)
}

func BenchmarkExecTrue(b *testing.B) {
	r := newRig(b)
	id := r.create(nil, "sleep", "1000")
	r.start(id, containers.StartInput{})
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		s, err := r.m.Exec(b.Context(), id, attach.ExecSpec{Args: []string{"true"}})
		check(b, err)
		if res, err := s.Stream(b.Context(), attach.Streams{}); err != nil || res.ExitCode != 0 {
			b.Fatal(res, err)
		}
		took = append(took, time.Since(begun))
	}
	report(b, took, "ms-median", time.Millisecond)
}

// BenchmarkRoundTrip types a key and waits for its echo.
func BenchmarkRoundTrip(b *testing.B) {
	r := newRig(b)
	id := r.create(func(rec *containers.Record) { rec.Config.Tty, rec.Config.OpenStdin = true, true }, "cat")
	s := r.start(id, containers.StartInput{Attach: true, Stdin: true})
	in, typed := io.Pipe()
	echoed, out := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.Stream(b.Context(), attach.Streams{In: in, Out: out})
	}()
	var took []time.Duration
	key := make([]byte, 1)
	for b.Loop() {
		begun := time.Now()
		if _, err := fmt.Fprint(typed, "k"); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(echoed, key); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	report(b, took, "us-median", time.Microsecond)
	_ = s.Close()
	<-done
}

func report(b *testing.B, took []time.Duration, unit string, per time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/float64(per), unit)
}
