package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/archive"
	"gantry/images/reference"
	"gantry/internal/cleanup"
	"gantry/store"
)

// SaveOptions say what to write and where. Exactly one of To, Path and Dir is
// given.
type SaveOptions struct {
	To       io.Writer
	Path     string // a file, which appears when it is complete
	Dir      string // an OCI layout in a directory that is new or empty
	Platform string // os/arch[/variant] of images that are here for several
}

// Save writes images as one archive: a docker-archive and an OCI layout in one
// tar, or an OCI layout in a directory. Content that images share is written
// once. A name saves under that name, a repository without a tag under all its
// tags, an ID without a name.
func (im *Images) Save(ctx context.Context, refs []string, o SaveOptions) error {
	release, err := im.s.Use(ctx)
	if err != nil {
		return err
	}
	defer release()
	list, err := im.toSave(ctx, refs, o.Platform)
	if err != nil {
		return err
	}
	switch {
	case o.Dir != "":
		return intoDir(o.Dir, func(tmp string) error { return im.write(ctx, archive.NewDir(tmp), list) })
	case o.Path != "":
		return intoFile(o.Path, func(f *os.File) error { return im.write(ctx, archive.NewTar(f), list) })
	}
	return im.write(ctx, archive.NewTar(o.To), list)
}

// saved is an image to write.
type saved struct {
	archive.Saved
	summary *summary
	docs    []digest.Digest
}

// toSave finds what to write before anything is written.
func (im *Images) toSave(ctx context.Context, refs []string, platform string) ([]*saved, error) {
	var list []*saved
	at := map[[2]digest.Digest]*saved{}
	for _, ref := range refs {
		found, err := im.find(ctx, ref)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			s, target, err := im.forPlatform(ctx, e, platform)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ref, err)
			}
			key := [2]digest.Digest{target.Digest, s.desc.Digest}
			if at[key] == nil {
				at[key] = &saved{Saved: archive.Saved{Target: target, Config: s.config.Digest}, summary: s}
				for _, l := range s.blobs {
					at[key].Layers = append(at[key].Layers, l.Digest)
				}
				list = append(list, at[key])
			}
			at[key].name(e)
		}
	}
	return list, nil
}

func (s *saved) name(e entry) {
	if !e.named || e.ref.Tag == "" {
		return
	}
	ref := reference.Ref{Domain: e.ref.Domain, Path: e.ref.Path, Tag: e.ref.Tag}
	for _, have := range s.Names {
		if have == ref {
			return
		}
	}
	s.Names = append(s.Names, ref)
}

// find returns what a name or ID means to Save.
func (im *Images) find(ctx context.Context, ref string) ([]entry, error) {
	if parsed, err := reference.Parse(ref); err == nil && parsed.Digest == "" && !strings.HasSuffix(ref, ":"+parsed.Tag) {
		all, err := im.entries(ctx)
		if err != nil {
			return nil, err
		}
		var tags []entry
		for _, e := range all {
			if e.named && e.ref.Tag != "" && e.ref.Name() == parsed.Name() {
				tags = append(tags, e)
			}
		}
		if len(tags) > 0 {
			return tags, nil
		}
	}
	img, given, err := im.resolve(ctx, ref)
	switch {
	case err != nil:
		return nil, err
	case img.Manifest.Digest == "":
		return nil, fmt.Errorf("image %s is damaged (%s): %w", ref, img.Damaged, store.ErrDamaged)
	case given != nil:
		return []entry{*given}, nil
	}
	return []entry{{target: img.Target, manifest: img.Manifest.Digest}}, nil
}

// forPlatform returns the image of an entry, or its sibling for another
// platform, with what its name has to lead to in the archive.
func (im *Images) forPlatform(ctx context.Context, e entry, name string) (*summary, v1.Descriptor, error) {
	target := e.target
	target.Annotations = nil
	if name == "" {
		s, err := im.summary(ctx, e)
		return s, target, err
	}
	want, err := platform(name)
	if err != nil {
		return nil, target, err
	}
	doc, err := im.document(e.target.Digest)
	if err != nil {
		return nil, target, err
	}
	if doc.Index != nil {
		here := v1.Index{}
		for _, m := range doc.Index.Manifests {
			if im.blobs.Has(m.Digest) {
				here.Manifests = append(here.Manifests, m)
			}
		}
		best, err := choose(ctx, &here, want, func(_ context.Context, d v1.Descriptor) (*v1.Index, error) {
			child, err := im.document(d.Digest)
			if err != nil {
				return nil, err
			}
			return child.Index, nil
		})
		if err != nil {
			return nil, target, err
		}
		e.manifest = best.Digest
	}
	s, err := im.summary(ctx, e)
	if err != nil {
		return nil, target, err
	}
	if have := s.image.Platform; have.OS != "" && fit(want, have) == 0 {
		return nil, target, say(store.ErrNotFound, "image is %s, asked for is %s", platformName(normal(have)), platformName(want))
	}
	return s, s.desc, nil
}

// write writes contents, then the lists.
func (im *Images) write(ctx context.Context, w *archive.Writer, list []*saved) error {
	for _, s := range list {
		documents := newNeeds()
		if err := im.documentsOf(documents, s.Target.Digest, s.summary.desc.Digest, 0); err != nil {
			return err
		}
		all := append(sorted(documents.blobs), s.Config)
		for _, d := range append(all, s.Layers...) {
			if err := im.writeBlob(ctx, w, d); err != nil {
				return err
			}
		}
		w.Image(s.Saved)
	}
	return w.Close()
}

// documentsOf collects the indexes between a target and a manifest.
func (im *Images) documentsOf(n needs, top, manifest digest.Digest, depth int) error {
	n.blobs[top], n.blobs[manifest] = true, true
	if top == manifest || depth > maxDepth {
		return nil
	}
	doc, err := im.document(top)
	if err != nil || doc.Index == nil {
		return err
	}
	for _, m := range doc.Index.Manifests {
		if strings.Contains(m.MediaType, "index") && im.blobs.Has(m.Digest) {
			if err := im.documentsOf(n, m.Digest, manifest, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *Images) writeBlob(ctx context.Context, w *archive.Writer, d digest.Digest) error {
	f, err := im.blobs.Open(d)
	if err != nil {
		return fmt.Errorf("the image is damaged; pull or load it again: %w", err)
	}
	defer f.Close()
	return w.Blob(ctx, d, f)
}

// intoFile writes a file that appears only when it is complete. What is there
// and no regular file, such as a pipe, is written to as it is.
func intoFile(path string, write func(*os.File) error) (err error) {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		if fi.IsDir() {
			return say(store.ErrInvalid, "%s is a directory: name a file, or use --format oci-dir", path)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { _ = os.Remove(f.Name()) })
	err = errors.Join(write(f), f.Chmod(0o600), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	undo.Keep()
	return nil
}

// intoDir is intoFile for a directory, which must be new or empty.
func intoDir(path string, write func(tmp string) error) error {
	if left, err := os.ReadDir(path); err == nil && len(left) > 0 {
		return say(store.ErrExists, "%s is not empty", path)
	}
	path = filepath.Clean(path)
	tmp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { _ = os.RemoveAll(tmp) })
	if err := errors.Join(write(tmp), os.Chmod(tmp, 0o755)); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	undo.Keep()
	return nil
}
