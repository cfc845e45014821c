package images

import (
	"context"
	"runtime"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/internal/termsafe"
	"gantry/store"
)

// maxDepth bounds indexes in indexes.
const maxDepth = 4

// platform reads os/arch[/variant]; "" is this machine's.
func platform(s string) (v1.Platform, error) {
	if s == "" {
		return normal(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}), nil
	}
	parts := strings.Split(s, "/")
	for _, p := range parts {
		if p == "" || strings.Trim(strings.ToLower(p), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			parts = nil
		}
	}
	switch len(parts) {
	case 1:
		return normal(v1.Platform{OS: "linux", Architecture: parts[0]}), nil
	case 2:
		return normal(v1.Platform{OS: parts[0], Architecture: parts[1]}), nil
	case 3:
		return normal(v1.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}), nil
	}
	return v1.Platform{}, say(store.ErrInvalid, `platform "%s": write os/arch or os/arch/variant, such as linux/arm64`, termsafe.Line(s))
}

// normal spells a platform one way: linux/arm64 without v8, arm with a variant.
func normal(p v1.Platform) v1.Platform {
	p.OS, p.Architecture = strings.ToLower(p.OS), strings.ToLower(p.Architecture)
	switch p.Architecture {
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf", "armv7l":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	case "i386", "i686":
		p.Architecture = "386"
	}
	switch p.Architecture + "/" + p.Variant {
	case "arm64/v8", "arm64/8":
		p.Variant = ""
	case "amd64/v1":
		p.Variant = ""
	case "arm/", "arm/7":
		p.Variant = "v7"
	case "arm/6", "arm/5", "arm/8":
		p.Variant = "v" + p.Variant
	}
	return p
}

// fit says how well have runs where want is asked for: 0 not at all, higher is
// better. An arm machine runs what was made for its predecessors.
func fit(want, have v1.Platform) int {
	have = normal(have)
	if want.OS != have.OS || want.Architecture != have.Architecture {
		return 0
	}
	if want.Variant == have.Variant {
		return 10
	}
	if want.Architecture == "arm" && len(want.Variant) == 2 && len(have.Variant) == 2 &&
		have.Variant >= "v5" && have.Variant < want.Variant {
		return int(have.Variant[1] - '0')
	}
	return 0
}

// platformName writes a platform for people.
func platformName(p v1.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return termsafe.Line(s)
}

// chooser walks an index for the manifest that fits a platform best.
type chooser struct {
	fetch  func(context.Context, v1.Descriptor) (*v1.Index, error)
	want   v1.Platform
	best   v1.Descriptor
	score  int
	single v1.Descriptor // the one manifest that names no platform
	others []string      // platforms there are instead
	seen   int
}

// choose returns the manifest of ix to use.
func choose(ctx context.Context, ix *v1.Index, want v1.Platform,
	fetch func(context.Context, v1.Descriptor) (*v1.Index, error)) (v1.Descriptor, error) {
	c := &chooser{fetch: fetch, want: want}
	if err := c.walk(ctx, ix, 1); err != nil {
		return v1.Descriptor{}, err
	}
	switch {
	case c.score > 0:
		return c.best, nil
	case c.single.Digest != "" && len(c.others) == 0:
		return c.single, nil // its config will tell
	case len(c.others) == 0:
		return v1.Descriptor{}, say(store.ErrInvalid, "the image has no manifests")
	}
	return v1.Descriptor{}, say(store.ErrInvalid, "image is for %s, not for %s", strings.Join(c.others, ", "), platformName(want))
}

func (c *chooser) walk(ctx context.Context, ix *v1.Index, depth int) error {
	if c.seen += len(ix.Manifests); c.seen > 1000 || depth > maxDepth {
		return say(store.ErrInvalid, "the image's indexes are nested too deep or too large")
	}
	for _, m := range ix.Manifests {
		if err := c.consider(ctx, m, depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *chooser) consider(ctx context.Context, m v1.Descriptor, depth int) error {
	if strings.Contains(m.MediaType, "index") || strings.Contains(m.MediaType, "manifest.list") {
		child, err := c.fetch(ctx, m)
		if err != nil || child == nil {
			return err
		}
		return c.walk(ctx, child, depth+1)
	}
	if m.Platform == nil || m.Platform.OS == "" {
		c.single = m
		return nil
	}
	if score := fit(c.want, *m.Platform); score > c.score {
		c.best, c.score = m, score
	}
	if name := platformName(normal(*m.Platform)); m.Platform.OS != "unknown" && len(c.others) < 20 {
		c.others = append(c.others, name)
	}
	return nil
}
