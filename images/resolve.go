package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/images/reference"
	"gantry/internal/termsafe"
	"gantry/store"
)

// Resolve finds one image by name, name@digest, ID, or unique start of an ID.
// The error is store.ErrNotFound and names what comes near.
func (im *Images) Resolve(ctx context.Context, nameOrID string) (Image, error) {
	img, _, err := im.resolve(ctx, nameOrID)
	return img, err
}

// resolve also reports whether the image was given by its ID, and if not, the
// entry that was meant.
func (im *Images) resolve(ctx context.Context, nameOrID string) (Image, *entry, error) {
	all, err := im.entries(ctx)
	if err != nil {
		return Image{}, nil, err
	}
	prefix, isID := strings.CutPrefix(nameOrID, "sha256:")
	isHex := prefix != "" && strings.Trim(prefix, "0123456789abcdef") == "" && len(prefix) <= 64
	ref, refErr := reference.Parse(nameOrID)
	if refErr == nil && !(isID && isHex) {
		if e := find(all, ref); e != nil {
			img, err := im.load(ctx, *e)
			if err != nil {
				return Image{}, nil, fmt.Errorf("image %s: %w", ref, err)
			}
			im.nameFrom(ctx, &img, all)
			return img, e, nil
		}
	}
	if isHex {
		img, err := im.byID(ctx, all, prefix)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return img, nil, err
		}
	}
	if refErr != nil && !isHex {
		return Image{}, nil, refErr
	}
	return Image{}, nil, say(store.ErrNotFound, "no such image: %s%s", termsafe.Line(nameOrID), near(all, ref))
}

// find returns the entry a reference means. A digest counts more than the tag
// beside it, and finds a name by digest before a tag that was pulled as that.
func find(all []entry, ref reference.Ref) *entry {
	var byTag *entry
	for i, e := range all {
		if !e.named || e.ref.Name() != ref.Name() {
			continue
		}
		if ref.Digest == "" && e.ref.Digest == "" && e.ref.Tag == ref.Tag {
			return &all[i]
		}
		if ref.Digest == "" || e.target.Digest != ref.Digest && e.manifest != ref.Digest {
			continue
		}
		if e.ref.Digest != "" {
			return &all[i]
		}
		if byTag == nil {
			byTag = &all[i]
		}
	}
	return byTag
}

// byID finds the one image whose ID starts so. Digests of manifests and
// indexes serve as well, in full or in part, when no ID fits.
func (im *Images) byID(ctx context.Context, all []entry, prefix string) (Image, error) {
	ids, targets := map[string]entry{}, map[string]entry{}
	for _, e := range all {
		if e.removed() {
			continue
		}
		if s, err := im.summary(ctx, e); err == nil {
			match(ids, prefix, s.config.Digest.Encoded(), s.config.Digest.Encoded(), e)
			match(targets, prefix, s.desc.Digest.Encoded(), s.config.Digest.Encoded(), e)
			match(targets, prefix, e.target.Digest.Encoded(), s.config.Digest.Encoded(), e)
		} else {
			match(targets, prefix, e.target.Digest.Encoded(), e.target.Digest.Encoded(), e)
		}
	}
	if len(ids) == 0 {
		ids = targets
	}
	var candidates []string
	for id, e := range ids {
		if len(ids) == 1 {
			img, err := im.load(ctx, e)
			if err != nil {
				img = im.listed(ctx, e, nil)
			}
			im.nameFrom(ctx, &img, all)
			return img, nil
		}
		candidates = append(candidates, id[:12])
	}
	if len(candidates) == 0 {
		return Image{}, store.ErrNotFound
	}
	slices.Sort(candidates)
	return Image{}, say(store.ErrInvalid, "image ID %s is ambiguous: %s", prefix,
		strings.Join(candidates[:min(5, len(candidates))], ", "))
}

func match(found map[string]entry, prefix, hex, id string, e entry) {
	if strings.HasPrefix(hex, prefix) {
		found[id] = e
	}
}

// near names what is here and looks like ref.
func near(all []entry, ref reference.Ref) string {
	if ref.Path == "" {
		return ""
	}
	var tags, names []string
	for _, e := range all {
		switch {
		case !e.named || e.ref.Tag == "":
		case e.ref.Name() == ref.Name():
			tags = append(tags, e.ref.Familiar())
		case alike(e.ref.Path, ref.Path):
			names = append(names, e.ref.Familiar())
		}
	}
	slices.Sort(tags)
	slices.Sort(names)
	if tags = append(tags, names...); len(tags) == 0 {
		return ""
	}
	return " (here: " + strings.Join(tags[:min(4, len(tags))], ", ") + ")"
}

// alike reports whether the last parts of two paths are equal or one edit
// apart.
func alike(a, b string) bool {
	a, b = a[strings.LastIndexByte(a, '/')+1:], b[strings.LastIndexByte(b, '/')+1:]
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	}
	return a[i:] == b[i+1:]
}

// suggest adds to a registry's "not found" what is here.
func (p *pull) suggest(ctx context.Context, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	all, listErr := p.im.entries(ctx)
	if listErr != nil {
		return err
	}
	hint := near(all, p.ref)
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w%s", err, hint)
}
