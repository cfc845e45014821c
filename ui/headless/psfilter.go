package headless

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
)

var states = []string{"created", "running", "paused", "restarting", "removing", "exited", "dead"}

// containerFilter returns what decides whether ps shows a container. Values of
// one key are alternatives; all keys must hold.
func containerFilter(ctx context.Context, e imageStore, f filters, o psOptions) (func(engine.Container) bool, error) {
	for _, s := range f["status"] {
		if !slices.Contains(states, s) {
			return nil, fmt.Errorf("invalid filter 'status=%s': known are %s", s, strings.Join(states, ", "))
		}
	}
	for _, code := range f["exited"] {
		if _, err := strconv.Atoi(code); err != nil {
			return nil, fmt.Errorf("invalid filter 'exited=%s': not a number", code)
		}
	}
	names, err := patterns("name", f["name"])
	if err != nil {
		return nil, err
	}
	ids, err := patterns("id", f["id"])
	if err != nil {
		return nil, err
	}
	from, err := ancestors(ctx, e, f["ancestor"])
	if err != nil {
		return nil, err
	}
	everything := o.all || o.latest || o.last >= 0 || len(f["status"]) > 0 || len(f["exited"]) > 0
	return func(c engine.Container) bool {
		status := string(c.State.Status)
		up := c.State.Status == engine.Running || c.State.Status == engine.Paused
		return (everything || up) &&
			f.any("status", func(s string) bool { return s == status }) &&
			f.any("exited", func(code string) bool {
				return status == "exited" && code == strconv.Itoa(c.State.ExitCode)
			}) &&
			(names == nil || names(c.Name) || names("/"+c.Name)) &&
			(ids == nil || ids(c.ID)) &&
			(from == nil || from(c)) &&
			f.labels(c.Config.Labels)
	}, nil
}

// patterns returns a matcher of any of the regular expressions, nil for none.
func patterns(key string, list []string) (func(string) bool, error) {
	var all []*regexp.Regexp
	for _, text := range list {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("invalid filter '%s=%s': %w", key, text, err)
		}
		all = append(all, re)
	}
	if all == nil {
		return nil, nil
	}
	return func(s string) bool {
		return slices.ContainsFunc(all, func(re *regexp.Regexp) bool { return re.MatchString(s) })
	}, nil
}

// ancestors returns a matcher of containers whose image is one of those given
// or was built on it, nil for no condition.
func ancestors(ctx context.Context, e imageStore, refs []string) (func(engine.Container) bool, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var bases []engine.Image
	for _, ref := range refs {
		img, err := e.Image(ctx, ref)
		switch {
		case errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrInvalid):
		case err != nil:
			return nil, err
		default:
			bases = append(bases, img)
		}
	}
	return func(c engine.Container) bool {
		return slices.Contains(refs, c.Image) || slices.ContainsFunc(bases, func(base engine.Image) bool {
			n := len(base.Layers)
			return c.ImageID == base.ID || n > 0 && n <= len(c.Layers) && slices.Equal(c.Layers[:n], base.Layers)
		})
	}, nil
}
