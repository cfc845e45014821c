package images

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		want, have string
		fits       bool
	}{
		{"linux/amd64", "linux/amd64", true}, {"linux/x86_64", "linux/amd64", true}, {"amd64", "linux/amd64", true},
		{"linux/arm64", "linux/arm64/v8", true}, {"linux/arm64", "linux/arm/v7", false}, {"linux/amd64", "linux/amd64/v3", false},
		{"linux/arm/v7", "linux/arm/v6", true}, {"linux/arm/v6", "linux/arm/v7", false}, {"linux/arm", "linux/arm/v5", true},
		{"linux/amd64", "windows/amd64", false},
	} {
		want, err := platform(c.want)
		if err != nil {
			t.Fatal(err)
		}
		have, err := platform(c.have)
		if err != nil {
			t.Fatal(err)
		}
		if got := fit(want, have) > 0; got != c.fits {
			t.Errorf("fit(%s, %s) = %v, want %v", c.want, c.have, got, c.fits)
		}
	}
	for _, bad := range []string{"../", "linux/", "a/b/c/d", "linux/\x1b", "linux/../x"} {
		if _, err := platform(bad); err == nil {
			t.Errorf("platform(%q) is accepted", bad)
		}
	}
}

func TestPipe(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 300_000)
	p := newPipe()
	done := make(chan error, 1)
	go func() { done <- p.fill(iotest.HalfReader(bytes.NewReader(data))) }()
	got, err := io.ReadAll(p)
	if err != nil || !bytes.Equal(got, data) || <-done != nil {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(data))
	}
	broken := errors.New("broken")
	p = newPipe()
	go func() { done <- p.fill(iotest.ErrReader(broken)) }()
	if _, err := io.ReadAll(p); !errors.Is(err, broken) || !errors.Is(<-done, broken) {
		t.Errorf("reader sees %v", err)
	}
	p = newPipe()
	go func() { done <- p.fill(endless{}) }()
	if _, err := io.CopyN(io.Discard, p, 10_000_000); err != nil {
		t.Error(err)
	}
	_ = p.Close()
	if err := <-done; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writer sees %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
