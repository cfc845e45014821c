package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"gantry/store"
)

// loadedSample is a store with one sample in it.
func loadedSample(t *testing.T, name string) (*Images, Image) {
	t.Helper()
	im := open(t)
	loaded, err := im.Load(t.Context(), LoadOptions{Path: filepath.Join(samples(t), "archives", name)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return im, resolved(t, im, loaded[0].ID.String())
}

func verified(t *testing.T, im *Images, o VerifyOptions) []Problem {
	t.Helper()
	found, err := im.Verify(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fileIn finds a regular file with content in an unpacked layer.
func fileIn(t *testing.T, im *Images, id digest.Digest) string {
	t.Helper()
	l, err := im.layers.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	var found string
	_ = filepath.Walk(l.Dir, func(path string, fi os.FileInfo, err error) error {
		if err == nil && fi.Mode().IsRegular() && fi.Size() > 0 {
			found = path
		}
		return nil
	})
	if found == "" {
		t.Fatal("a layer without files")
	}
	return found
}

func TestVerifyLayer(t *testing.T) {
	im, img := loadedSample(t, "overwritten_file.tar")
	if found := verified(t, im, VerifyOptions{}); len(found) != 0 {
		t.Fatalf("a good store: %+v", found)
	}
	damage(t, fileIn(t, im, img.Layers[0]))
	found := verified(t, im, VerifyOptions{})
	if len(found) != 1 || found[0].Kind != "layer" || found[0].ID != img.Layers[0].String() ||
		!slices.Equal(found[0].Images, img.Names) || !strings.Contains(found[0].Fix, "--repair") {
		t.Fatalf("found %+v", found)
	}
	// Not under a container that runs on it.
	uses := func(context.Context) ([]ContainerUse, error) {
		return []ContainerUse{{Name: "web", Running: true, Image: img.ID, Layers: img.Layers}}, nil
	}
	if found := verified(t, im, VerifyOptions{Repair: true, Containers: uses}); len(found) != 1 || found[0].Repaired ||
		!strings.Contains(found[0].Fix, "stop container web") {
		t.Errorf("with a running container: %+v", found)
	}
	if found := verified(t, im, VerifyOptions{Repair: true}); len(found) != 1 || !found[0].Repaired {
		t.Errorf("repair: %+v", found)
	}
	if found := verified(t, im, VerifyOptions{}); len(found) != 0 {
		t.Errorf("after the repair: %+v", found)
	}
}

func TestVerifyBlob(t *testing.T) {
	im, img := loadedSample(t, "overwritten_file.tar")
	s := im.seen.get(img.Manifest.Digest)
	path, err := im.blobs.Path(s.blobs[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, path)
	found := verified(t, im, VerifyOptions{Repair: true})
	if len(found) != 1 || found[0].Kind != "blob" || found[0].Repaired || !strings.Contains(found[0].Fix, "pull or load "+img.Names[0]) {
		t.Fatalf("found %+v", found)
	}
	if err := im.Save(t.Context(), img.Names, SaveOptions{Path: filepath.Join(t.TempDir(), "x")}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("saving what has lost a blob: %v", err)
	}
	// Loading the image again heals it.
	if _, err := im.Load(t.Context(), LoadOptions{Path: filepath.Join(samples(t), "archives", "overwritten_file.tar")}, nil); err != nil {
		t.Fatal(err)
	}
	if found := verified(t, im, VerifyOptions{}); len(found) != 0 {
		t.Errorf("after loading it again: %+v", found)
	}
}

func TestVerifyDocument(t *testing.T) {
	im, img := loadedSample(t, "test_image_1.tar")
	path, err := im.blobs.Path(img.ID)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, path)
	found := verified(t, im, VerifyOptions{})
	if len(found) == 0 || found[0].Kind != "document" || !strings.Contains(found[0].Fix, img.Names[0]) {
		t.Errorf("found %+v", found)
	}
}

func TestVerifyOrphans(t *testing.T) {
	im, img := loadedSample(t, "test_image_1.tar")
	if err := im.blobs.DeleteRef(t.Context(), im.firstName(t)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(im.s.Path("layers", "stray"), 0o700); err != nil {
		t.Fatal(err)
	}
	found := verified(t, im, VerifyOptions{})
	if len(found) != 5 || slices.ContainsFunc(found, func(p Problem) bool { return p.Kind != "orphan" }) {
		t.Errorf("found %+v; want config, manifest, layer's blob, layer and the stray", found)
	}
	plan, err := im.Prune(t.Context(), PruneOptions{DryRun: true})
	if err != nil || plan.Bytes == 0 {
		t.Errorf("dry run: %+v, %v", plan, err)
	}
	// A container may stand on layers whose image is gone.
	uses := func(context.Context) ([]ContainerUse, error) {
		return []ContainerUse{{Name: "job", Image: img.ID, Layers: img.Layers}}, nil
	}
	if found := verified(t, im, VerifyOptions{Repair: true, Containers: uses}); len(found) != 4 {
		t.Errorf("with a container: %+v", found)
	}
	if _, err := im.layers.Get(img.Layers[0]); err != nil {
		t.Errorf("the container's layer went: %v", err)
	}
	verified(t, im, VerifyOptions{Repair: true})
	checkEmpty(t, im)
}

func (im *Images) firstName(t *testing.T) string {
	t.Helper()
	all, err := im.entries(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return all[0].name
}

func TestPruneKeepsWhatIsUsed(t *testing.T) {
	im, first := loadedSample(t, "docker-two-images.tar.xz")
	if err := im.Tag(t.Context(), "example.com/empty/but:different", "example.com/empty"); err != nil {
		t.Fatal(err) // the first has no name now
	}
	uses := func(context.Context) ([]ContainerUse, error) {
		return []ContainerUse{{Name: "job", Image: first.ID, Layers: first.Layers}}, nil
	}
	if res, err := im.Prune(t.Context(), PruneOptions{Containers: uses}); err != nil || len(res.Deleted) != 0 {
		t.Errorf("an image in use went: %+v, %v", res, err)
	}
	plan, err := im.Prune(t.Context(), PruneOptions{DryRun: true})
	if err != nil || len(plan.Deleted) != 1 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	res, err := im.Prune(t.Context(), PruneOptions{})
	if err != nil || res.Bytes != plan.Bytes || !slices.Equal(res.Deleted, []string{first.ID.String()}) {
		t.Errorf("Prune = %+v, %v; planned %+v", res, err, plan)
	}
	if found := verified(t, im, VerifyOptions{}); len(found) != 0 {
		t.Errorf("left: %+v", found)
	}
}

// TestPruneWaits: while somebody works with the store nothing is deleted.
func TestPruneWaits(t *testing.T) {
	im, img := loadedSample(t, "test_image_1.tar")
	release, err := im.s.Use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res, err := im.Prune(t.Context(), PruneOptions{All: true})
	release()
	if err != nil || !res.Busy || res.Bytes != 0 {
		t.Errorf("Prune = %+v, %v", res, err)
	}
	resolved(t, im, img.Names[0])
	if _, err := im.layers.Get(img.Layers[0]); err != nil {
		t.Errorf("a layer went: %v", err)
	}
	if res, err = im.Prune(t.Context(), PruneOptions{All: true}); err != nil || res.Bytes == 0 {
		t.Errorf("the next one: %+v, %v", res, err)
	}
	checkEmpty(t, im)
}
