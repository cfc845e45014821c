package images

import (
	"context"
	"fmt"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/internal/termsafe"
)

// PullAll fetches every tag of a repository. A tag that cannot be had, say
// because it holds no image, does not keep the others from coming; the error
// then says how many there were.
func (im *Images) PullAll(ctx context.Context, name string, o PullOptions, sink progress.Sink) ([]Image, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return nil, err
	}
	if err := untagged(name); err != nil {
		return nil, err
	}
	tags, err := im.tags(ctx, ref, o.Insecure)
	if err != nil {
		return nil, err
	}
	var done []Image
	var failed error
	failures := 0
	for _, tag := range tags {
		one, err := reference.Parse(ref.Name() + ":" + tag)
		var img Image
		if err == nil {
			img, err = im.Pull(ctx, one.Full(), o, sink)
		}
		switch {
		case ctx.Err() != nil:
			return done, fmt.Errorf("pulling %s: %w", ref.FamiliarName(), ctx.Err())
		case err == nil:
			done = append(done, img)
			continue
		}
		if failures++; failed == nil {
			failed = err
		}
		if !o.Quiet {
			progress.Or(sink).Log(progress.Log{Line: termsafe.Line(tag + ": " + err.Error())})
		}
	}
	switch {
	case failures == 1 && len(tags) == 1:
		return done, failed
	case failures > 0:
		return done, fmt.Errorf("%d of %d tags of %s could not be pulled; the first: %w", failures, len(tags), ref.FamiliarName(), failed)
	}
	return done, nil
}

// tags asks the registry itself first: a mirror may know only what it was
// asked for before.
func (im *Images) tags(ctx context.Context, ref reference.Ref, insecure bool) ([]string, error) {
	places := im.reg.Places(ref, insecure)
	tags, err := im.tagsAt(ctx, places[len(places)-1])
	for _, at := range places[:len(places)-1] {
		if err == nil || ctx.Err() != nil {
			break
		}
		if found, mirrorErr := im.tagsAt(ctx, at); mirrorErr == nil {
			return found, nil
		}
	}
	return tags, err
}

func (im *Images) tagsAt(ctx context.Context, at registry.Place) ([]string, error) {
	repo, err := im.reg.OpenPlace(ctx, at)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	return repo.Tags(ctx)
}
