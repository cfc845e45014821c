package images

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images/internal/evilreg"
	"gantry/store"
)

func using(uses ...ContainerUse) func(context.Context) ([]ContainerUse, error) {
	return func(context.Context) ([]ContainerUse, error) { return uses, nil }
}

func mustTag(t *testing.T, im *Images, src, dst string) {
	t.Helper()
	if err := im.Tag(t.Context(), src, dst); err != nil {
		t.Fatalf("Tag(%q, %q): %v", src, dst, err)
	}
}

func TestRemoveByName(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000, 2000))
	shared := mustPull(t, im, reg.Push(t, "base:v1", evilreg.Image(t, "amd64", 1000)))
	img := mustPull(t, im, ref)
	mustTag(t, im, ref, "mine")
	res, err := im.Remove(t.Context(), "mine", RemoveOptions{})
	if diff := cmp.Diff(RemoveResult{Untagged: []string{"mine:latest"}}, res); err != nil || diff != "" {
		t.Errorf("Remove(mine): %v %s", err, diff)
	}
	res, err = im.Remove(t.Context(), ref, RemoveOptions{})
	want := RemoveResult{
		Untagged: []string{ref},
		Deleted:  []string{img.ID.String(), img.Layers[1].String()},
	}
	if diff := cmp.Diff(want, res); err != nil || diff != "" {
		t.Errorf("Remove: %v %s", err, diff)
	}
	if got, err := im.Resolve(t.Context(), shared.ID.String()); err != nil || got.Damaged != "" {
		t.Errorf("the shared layer went: %+v, %v", got, err)
	}
	if _, err := im.Resolve(t.Context(), ref); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Resolve after Remove: %v", err)
	}
	if _, err := im.Remove(t.Context(), shared.ID.Encoded()[:8], RemoveOptions{}); err != nil {
		t.Error(err)
	}
	nothingLeft(t, im)
}

func TestRemoveRules(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	img := mustPull(t, im, ref)
	mustTag(t, im, ref, "elsewhere:1")
	id := img.ID.Encoded()[:12]
	stopped := ContainerUse{Name: "idle", Image: img.ID, Layers: img.Layers}
	running := ContainerUse{Name: "busy", Running: true, Image: img.ID, Layers: img.Layers}
	refused := func(what string, o RemoveOptions, want string) {
		t.Helper()
		_, err := im.Remove(t.Context(), what, o)
		if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), want) {
			t.Errorf("Remove(%s) = %v, want %q", what, err, want)
		}
	}
	refused(id, RemoveOptions{}, "referenced in multiple repositories")
	if _, err := im.Remove(t.Context(), "elsewhere:1", RemoveOptions{Containers: using(running)}); err != nil {
		t.Errorf("a further name: %v", err)
	}
	refused(id, RemoveOptions{Force: true, Containers: using(running)}, "(cannot be forced) - image is being used by running container busy")
	refused(id, RemoveOptions{Containers: using(stopped)}, "(must be forced) - image is being used by stopped container idle")
	refused(ref, RemoveOptions{Containers: using(stopped)}, "container idle is using its referenced image")
	// By name and force, a running container's image stays without a name.
	res, err := im.Remove(t.Context(), ref, RemoveOptions{Force: true, Containers: using(running)})
	if err != nil || len(res.Deleted) != 0 || !slices.Contains(res.Untagged, ref) {
		t.Errorf("Remove = %+v, %v", res, err)
	}
	all, err := im.List(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Names)+len(all[0].RepoDigests) != 0 {
		t.Fatalf("List = %+v, %v, want one dangling", all, err)
	}
	// Forced away under a stopped container, its layers stay.
	res, err = im.Remove(t.Context(), id, RemoveOptions{Force: true, Containers: using(stopped)})
	if diff := cmp.Diff(RemoveResult{Deleted: []string{img.ID.String()}}, res); err != nil || diff != "" {
		t.Errorf("Remove: %v %s", err, diff)
	}
	if _, err := im.layers.Get(img.Layers[0]); err != nil {
		t.Errorf("the container's layer: %v", err)
	}
}

// While somebody uses the store, a removal only marks; the next one deletes.
func TestRemoveDuringUse(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000))
	other := reg.Push(t, "app:v2", evilreg.Image(t, "amd64", 2000))
	mustPull(t, im, other)
	img := mustPull(t, im, ref)
	release, err := im.s.Use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := im.Remove(t.Context(), ref, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := im.layers.Get(img.Layers[0]); err != nil {
		t.Errorf("removed under a user: %v", err)
	}
	if all, _ := im.List(t.Context()); len(all) != 1 {
		t.Errorf("still listed: %+v", all)
	}
	release()
	if _, err := im.Remove(t.Context(), other, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, im)
}

func TestMovedTagLeavesTheOld(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	old := mustPull(t, im, reg.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000)))
	ref := reg.Push(t, "app:v1", evilreg.Image(t, "amd64", 2000))
	now := mustPull(t, im, ref)
	if old.ID == now.ID {
		t.Fatal("the tag did not move")
	}
	got, err := im.Resolve(t.Context(), old.ID.Encoded()[:10])
	if err != nil || len(got.Names) != 0 || len(got.RepoDigests) != 1 {
		t.Errorf("old image = %+v, %v", got, err)
	}
	if byDigest, err := im.Resolve(t.Context(), got.RepoDigests[0]); err != nil || byDigest.ID != old.ID {
		t.Errorf("by digest: %v, %v", byDigest.ID, err)
	}
	_, err = im.Resolve(t.Context(), reg.Host+"/app:v2")
	if err == nil || !strings.Contains(err.Error(), "(here: "+ref+")") {
		t.Errorf("Resolve(v2) = %v, want a hint", err)
	}
	if _, err := im.Resolve(t.Context(), "sha256:"); err == nil {
		t.Error("an empty ID resolves")
	}
}

func TestHistory(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	img := mustPull(t, im, reg.Push(t, "app:v1", evilreg.Image(t, "amd64", 1000, 2000)))
	h, err := im.History(t.Context(), img.ID.String())
	if err != nil || len(h) != 2 {
		t.Fatalf("History = %+v, %v", h, err)
	}
	if h[0].Size != 2000 || h[1].Size != 1000 || h[0].ID != img.ID.String() || h[1].ID != "<missing>" {
		t.Errorf("History = %+v", h)
	}
	if h[0].CreatedBy != `RUN layer 1\x1b[2J` {
		t.Errorf("CreatedBy = %q", h[0].CreatedBy)
	}
}

func TestDamagedImageIsListed(t *testing.T) {
	im, reg := open(t), evilreg.New(t)
	ref := reg.Push(t, "bad:v1", evilreg.Image(t, "amd64", 1000))
	img := mustPull(t, im, ref)
	mustPull(t, im, reg.Push(t, "good:v1", evilreg.Image(t, "amd64", 2000)))
	path, _ := im.blobs.Path(img.Manifest.Digest)
	damage(t, path)
	im.seen = summaries{}
	all, err := im.List(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("List = %+v, %v", all, err)
	}
	bad := slices.IndexFunc(all, func(i Image) bool { return slices.Contains(i.Names, ref) })
	if bad < 0 || all[bad].Damaged == "" {
		t.Errorf("List = %+v, want one damaged", all)
	}
	if _, err := im.Resolve(t.Context(), ref); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Resolve = %v, want damaged", err)
	}
	if _, err := im.Remove(t.Context(), ref, RemoveOptions{}); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if all, err := im.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("List = %+v, %v", all, err)
	}
}
