package reference

import (
	"errors"
	"strings"
	"testing"

	oracle "github.com/distribution/reference"
	"github.com/google/go-cmp/cmp"

	"gantry/internal/termsafe"
	"gantry/store"
)

const hex64 = "1cfa4e2b09e127b9c4ed43578d3f3c18e7d44ea47b9ea98475c0cbe9086525f8"

func TestParse(t *testing.T) {
	for in, want := range map[string]struct {
		ref      Ref
		familiar string
	}{
		"debian":                       {Ref{Hub, "library/debian", "latest", ""}, "debian:latest"},
		"debian:12":                    {Ref{Hub, "library/debian", "12", ""}, "debian:12"},
		"docker.io/debian":             {Ref{Hub, "library/debian", "latest", ""}, "debian:latest"},
		"index.docker.io/a/b":          {Ref{Hub, "a/b", "latest", ""}, "a/b:latest"},
		"me/app:v1":                    {Ref{Hub, "me/app", "v1", ""}, "me/app:v1"},
		"localhost/app":                {Ref{"localhost", "app", "latest", ""}, "localhost/app:latest"},
		"localhost:5000/a/b:c":         {Ref{"localhost:5000", "a/b", "c", ""}, "localhost:5000/a/b:c"},
		"[::1]:5000/a":                 {Ref{"[::1]:5000", "a", "latest", ""}, "[::1]:5000/a:latest"},
		"ghcr.io/x__y/z--1":            {Ref{"ghcr.io", "x__y/z--1", "latest", ""}, "ghcr.io/x__y/z--1:latest"},
		"host:5000":                    {Ref{Hub, "library/host", "5000", ""}, "host:5000"},
		"debian@sha256:" + hex64:       {Ref{Hub, "library/debian", "", "sha256:" + hex64}, "debian@sha256:" + hex64},
		"debian:12@sha256:" + hex64:    {Ref{Hub, "library/debian", "12", "sha256:" + hex64}, "debian:12@sha256:" + hex64},
		"docker.io/localhost/x":        {Ref{Hub, "localhost/x", "latest", ""}, "docker.io/localhost/x:latest"},
		"docker.io/library/a/b":        {Ref{Hub, "library/a/b", "latest", ""}, "library/a/b:latest"},
		"Host/x":                       {Ref{"Host", "x", "latest", ""}, "Host/x:latest"},
		"a" + strings.Repeat("b", 200): {Ref{Hub, "library/a" + strings.Repeat("b", 200), "latest", ""}, "a" + strings.Repeat("b", 200) + ":latest"},
	} {
		got, err := Parse(in)
		if err != nil {
			t.Errorf("Parse(%q): %v", in, err)
			continue
		}
		if diff := cmp.Diff(want.ref, got); diff != "" {
			t.Errorf("Parse(%q): %s", in, diff)
		}
		if got.Familiar() != want.familiar {
			t.Errorf("Parse(%q).Familiar() = %q, want %q", in, got.Familiar(), want.familiar)
		}
		for _, again := range []string{got.Full(), got.Familiar()} {
			if r, err := Parse(again); err != nil || r != got {
				t.Errorf("Parse(%q) = %v, %v, want %v", again, r, err, got)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "the image name is empty",
		"Ubuntu":                       `repository name (library/Ubuntu) must be lowercase: try "ubuntu"`,
		"ubuntu:":                      `"ubuntu:" at position 8: tag is empty`,
		"a b":                          `at position 2: name holds " "`,
		"x@":                           "at position 3: digest is empty",
		"../etc":                       "host name has an empty part",
		"a//b":                         "at position 3: name part is empty",
		"-x":                           `name part starts with "-"`,
		"/ubuntu":                      "name part is empty",
		"a..b":                         `at position 2: name holds ".."`,
		"a..b/c":                       "host name has an empty part",
		"a-":                           `name part ends with "-"`,
		"x:..":                         `tag starts with "."`,
		"x:a/b":                        "port a is not 1–65535",
		"https://host/x":               `drop "https://"; for plain HTTP add --insecure`,
		hex64:                          "that is an image ID: no such local ID",
		"sha256:" + hex64:              "that is an image ID: no such local ID",
		"x@sha256:abc":                 "digest needs 64 hex digits after sha256:",
		"x@md5:" + hex64:               `unsupported digest algorithm "md5"`,
		"host:99999/x":                 "at position 6: port 99999 is not 1–65535",
		"host:0/x":                     "port 0 is not 1–65535",
		"h.x:/x":                       "port is empty",
		"x:\x1b]0;hi\x07":              `tag holds "\x1b"`,
		"é":                            `name holds "é"`,
		"x:" + longTag:                 "tag has 129 characters",
		"sha256:../../etc":             "port .. is not",
		"x@sha256:../../../etc/passwd": "digest needs 64 hex digits",
	} {
		_, err := Parse(in)
		if err == nil {
			t.Errorf("Parse(%q) = nil, want %q", in, want)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %q, want %q in it", in, err, want)
		}
		if !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Parse(%q) is not store.ErrInvalid", in)
		}
	}
}

var longTag = strings.Repeat("t", 129)

func TestCaret(t *testing.T) {
	_, err := Parse("dé\x1bbian:")
	var bad *Error
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	if got, want := bad.Caret(), "dé\\x1bbian:\n           ^"; got != want {
		t.Errorf("Caret = %q, want %q", got, want)
	}
}

// FuzzParse holds Parse against distribution/reference.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"debian", "a/b:c", "localhost:1/x@sha256:" + hex64, "a_b.c/x", "[::1]/x", "A/b", "x:\xff", "a.b:09/x", "_a", "a_-b", "a___b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			if line := err.Error(); termsafe.Line(line) != line {
				t.Errorf("Parse(%q): error is not printable: %q", s, line)
			}
			var bad *Error
			if errors.As(err, &bad) && strings.Count(bad.Caret(), "\n") != 1 {
				t.Errorf("Parse(%q): caret %q", s, bad.Caret())
			}
		}
		want, wantErr := oracle.ParseNormalizedNamed(s)
		if wantErr == nil {
			want = oracle.TagNameOnly(want)
		}
		switch {
		case err == nil && wantErr != nil:
			t.Errorf("Parse(%q) = %v, distribution: %v", s, got, wantErr)
		case err == nil && got.Full() != want.String():
			t.Errorf("Parse(%q) = %q, distribution: %q", s, got.Full(), want)
		case err != nil && wantErr == nil && !stricter(s, want, err):
			t.Errorf("Parse(%q): %v, distribution: %q", s, err, want)
		}
	})
}

// stricter lists where we refuse on purpose what distribution accepts: ports
// out of range, IDs, digests other than sha256, hosts it takes for paths.
func stricter(s string, want oracle.Named, err error) bool {
	text := err.Error()
	if d, ok := want.(oracle.Digested); ok && d.Digest().Algorithm() != "sha256" {
		return true
	}
	return oracle.Domain(want) == "" || strings.Contains(text, "is not 1–65535") ||
		strings.Contains(text, "image ID") || strings.Contains(text, "1024 bytes") || strings.HasPrefix(s, "[")
}
