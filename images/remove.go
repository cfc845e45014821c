package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"gantry/images/reference"
	"gantry/store"
)

// ContainerUse is what a removal has to know of a container.
type ContainerUse struct {
	Name    string
	Running bool // or paused
	Image   digest.Digest
	Layers  []digest.Digest // diff-ids its root file system stands on
}

// RemoveOptions say what may be removed.
type RemoveOptions struct {
	Force bool
	// Containers lists all containers; nil means that there are none. It is
	// called again when the store is held exclusively, before layers go.
	Containers func(context.Context) ([]ContainerUse, error)
}

func (o RemoveOptions) containers(ctx context.Context) ([]ContainerUse, error) {
	if o.Containers == nil {
		return nil, nil
	}
	return o.Containers(ctx)
}

// Remove takes away a name, and the image with its last one. Given by ID, all
// its names go, if they are in one repository or Force is set. An image that
// a running container uses is never removed. Names go first, then the image,
// then the layers nothing needs; what an interrupted removal left is done by
// the next one. The caller must not hold the store.
func (im *Images) Remove(ctx context.Context, nameOrID string, o RemoveOptions) (RemoveResult, error) {
	res, err := im.unname(ctx, nameOrID, o)
	if err != nil {
		return RemoveResult{}, err
	}
	layers, err := im.reap(ctx, o)
	if len(res.Deleted) > 0 {
		res.Deleted = append(res.Deleted, layers...)
	}
	return res, err
}

// unname removes names and leaves a removed image as such, for reap.
func (im *Images) unname(ctx context.Context, nameOrID string, o RemoveOptions) (RemoveResult, error) {
	unlock, err := im.lockNames(ctx)
	if err != nil {
		return RemoveResult{}, err
	}
	defer unlock()
	r, err := im.plan(ctx, nameOrID, o)
	if err != nil {
		return RemoveResult{}, err
	}
	if r.delete {
		grave := r.refs[0]
		grave.name = removedPrefix + r.key.String()
		if err := im.setEntry(ctx, grave); err != nil {
			return RemoveResult{}, err
		}
		r.res.Deleted = []string{r.img.ID.String()}
	}
	if r.dangle {
		if err := im.keepDangling(ctx, r.refs[0]); err != nil {
			return RemoveResult{}, err
		}
	}
	for _, e := range r.drop {
		if e.named {
			r.res.Untagged = append(r.res.Untagged, e.ref.Familiar())
		} else if r.dangle {
			continue
		}
		if err := im.blobs.DeleteRef(ctx, e.name); err != nil {
			return RemoveResult{}, err
		}
	}
	return r.res, im.forgetDigest(ctx, r)
}

// forgetDigest takes away a digest that only a pulled tag carried.
func (im *Images) forgetDigest(ctx context.Context, r *removal) error {
	if r.forget == nil {
		return nil
	}
	e := *r.forget
	e.pulled = false
	return im.setEntry(ctx, e)
}

func (im *Images) keepDangling(ctx context.Context, e entry) error {
	e.name = danglingPrefix + e.target.Digest.String()
	if e.manifest != "" {
		e.name = danglingPrefix + e.manifest.String()
	}
	e.pulled = false
	return im.setEntry(ctx, e)
}

// removal is a plan: which names go and whether the image does.
type removal struct {
	img    Image
	key    digest.Digest // names its grave
	refs   []entry       // all that lead to the image
	drop   []entry
	delete bool
	dangle bool
	forget *entry // a tag that loses its digest
	res    RemoveResult
}

func (im *Images) plan(ctx context.Context, nameOrID string, o RemoveOptions) (*removal, error) {
	img, given, err := im.resolveAny(ctx, nameOrID)
	if err != nil {
		return nil, err
	}
	all, err := im.entries(ctx)
	if err != nil {
		return nil, err
	}
	r := &removal{img: img, key: img.Manifest.Digest}
	if r.key == "" {
		r.key = img.Target.Digest
	}
	for _, e := range all {
		if !e.removed() && im.leadsTo(ctx, e, img) {
			r.refs = append(r.refs, e)
		}
	}
	used, err := o.containers(ctx)
	if err != nil {
		return nil, fmt.Errorf("which containers use images: %w", err)
	}
	used = slices.DeleteFunc(used, func(c ContainerUse) bool { return c.Image != img.ID })
	if ref, err := reference.Parse(nameOrID); err == nil && given != nil && ref.Digest != "" && given.ref.Digest == "" {
		r.forget = given
		r.res.Untagged = []string{ref.ByDigest(ref.Digest).Familiar()}
		return r, nil
	}
	if given != nil {
		return r, r.byName(*given, used, o.Force)
	}
	return r, r.byID(used, o.Force)
}

func (im *Images) leadsTo(ctx context.Context, e entry, img Image) bool {
	s, err := im.summary(ctx, e)
	if err != nil {
		return e.target.Digest == img.Target.Digest
	}
	return s.config.Digest == img.ID
}

// resolveAny is resolve that also finds what cannot be loaded, to remove it.
func (im *Images) resolveAny(ctx context.Context, nameOrID string) (Image, *entry, error) {
	img, e, err := im.resolve(ctx, nameOrID)
	if err == nil {
		return img, e, nil
	}
	all, listErr := im.entries(ctx)
	if listErr != nil {
		return Image{}, nil, listErr
	}
	ref, parseErr := tagged(nameOrID)
	if parseErr != nil {
		return Image{}, nil, err
	}
	if e = find(all, ref); e == nil {
		return Image{}, nil, err
	}
	return im.listed(ctx, *e, nil), e, nil
}

// byName drops one name, and digests of its repository that would be left
// without a tag. The last name takes the image with it.
func (r *removal) byName(given entry, used []ContainerUse, force bool) error {
	tags := 0
	for _, e := range r.refs {
		if e.name != given.name && e.named && e.ref.Tag != "" && e.ref.Name() == given.ref.Name() {
			tags++
		}
	}
	for _, e := range r.refs {
		orphan := tags == 0 && e.named && e.ref.Tag == "" && e.ref.Name() == given.ref.Name()
		if e.name == given.name || orphan {
			r.drop = append(r.drop, e)
		}
	}
	if slices.ContainsFunc(r.refs, func(e entry) bool { return e.named && !r.drops(e) }) {
		return nil
	}
	r.drop = r.refs // also what holds it as dangling
	if len(used) > 0 && !force {
		return say(store.ErrInUse, "conflict: unable to remove repository reference %q (must force) - container %s is using its referenced image %s", given.ref.Familiar(), used[0].Name, short(r.img.ID))
	}
	r.delete = !slices.ContainsFunc(used, func(c ContainerUse) bool { return c.Running })
	r.dangle = !r.delete
	return nil
}

func (r *removal) drops(e entry) bool {
	return slices.ContainsFunc(r.drop, func(d entry) bool { return d.name == e.name })
}

// byID drops all names and the image.
func (r *removal) byID(used []ContainerUse, force bool) error {
	var repos []string
	for _, e := range r.refs {
		if e.named {
			repos = append(repos, e.ref.Name())
		}
	}
	if len(unique(repos)) > 1 && !force {
		return say(store.ErrInUse, "conflict: unable to delete %s (must be forced) - image is referenced in multiple repositories", short(r.img.ID))
	}
	for _, c := range used {
		if c.Running {
			return say(store.ErrInUse, "conflict: unable to delete %s (cannot be forced) - image is being used by running container %s", short(r.img.ID), c.Name)
		}
	}
	if len(used) > 0 && !force {
		return say(store.ErrInUse, "conflict: unable to delete %s (must be forced) - image is being used by stopped container %s", short(r.img.ID), used[0].Name)
	}
	r.drop, r.delete = r.refs, true
	return nil
}

func short(id digest.Digest) string {
	hex := strings.TrimPrefix(id.String(), "sha256:")
	return hex[:min(12, len(hex))]
}
