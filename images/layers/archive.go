package layers

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images"
	"gantry/images/registry"
	"gantry/internal/termsafe"
	"gantry/store"
)

// Limits of what an archive may hold.
const (
	maxDocument = 4 << 20
	maxArchive  = 40 << 30
	maxMembers  = 100_000
)

// bundle is the files of an archive or of an OCI layout, by name.
type bundle interface {
	open(name string) (io.ReadCloser, int64, error) // fs.ErrNotExist
	close() error
}

// small reads a whole document.
func small(b bundle, name string) ([]byte, error) {
	r, _, err := b.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(raw) > maxDocument {
		err = fmt.Errorf("%s is larger than %d bytes: %w", termsafe.Line(name), maxDocument, store.ErrInvalid)
	}
	return raw, err
}

// folder is an OCI layout directory.
type folder struct{ root *os.Root }

func openFolder(dir string) (bundle, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{root}, nil
}

func (f *folder) close() error { return f.root.Close() }

func (f *folder) open(name string) (io.ReadCloser, int64, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file: %w", termsafe.Line(name), store.ErrInvalid)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, st.Size(), nil
}

// archive is a tar that can be read at any place. A compressed one is first
// written, uncompressed, to a file without a name.
type archive struct {
	file    *os.File
	members map[string]member
}

type member struct {
	at, size int64
	link     string
}

func openArchive(ctx context.Context, name string) (_ bundle, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if f, err = plain(ctx, f); err != nil {
		return nil, err
	}
	a := &archive{file: f, members: map[string]member{}}
	if err = a.list(ctx); err != nil {
		return nil, fmt.Errorf("%s is no archive of an image: %w", termsafe.Line(name), err)
	}
	return a, nil
}

// plain returns a file with the uncompressed content of f.
func plain(ctx context.Context, f *os.File) (*os.File, error) {
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return f, errors.Join(err, fmt.Errorf("%s is no regular file: %w", termsafe.Line(f.Name()), store.ErrInvalid))
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return f, fmt.Errorf("%s: too short for an archive: %w", termsafe.Line(f.Name()), store.ErrInvalid)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return f, err
	}
	if n > 262 && string(head[257:262]) == "ustar" {
		return f, nil
	}
	r, err := decompress(f)
	if err != nil {
		return f, err
	}
	defer r.Close()
	out, err := os.CreateTemp("", ".gantry-archive-*")
	if err != nil {
		return f, err
	}
	err = os.Remove(out.Name())
	if err == nil {
		n, copyErr := io.Copy(out, io.LimitReader(&cancellable{ctx, r}, maxArchive+1))
		if err = copyErr; err == nil && n > maxArchive {
			err = fmt.Errorf("an archive of more than %d bytes: %w", int64(maxArchive), store.ErrInvalid)
		}
	}
	if err != nil {
		return f, errors.Join(err, out.Close())
	}
	return out, f.Close()
}

type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// list notes where the members are.
func (a *archive) list(ctx context.Context) error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	t := tar.NewReader(a.file)
	for {
		hdr, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil || errors.Is(err, tar.ErrInsecurePath) {
			err = ctx.Err()
		} else {
			err = fmt.Errorf("%w: %w", err, store.ErrInvalid)
		}
		if err == nil && len(a.members) > maxMembers {
			err = fmt.Errorf("more than %d files: %w", maxMembers, store.ErrInvalid)
		}
		if err != nil {
			return err
		}
		name := path.Clean("/" + hdr.Name)[1:]
		switch hdr.Typeflag {
		case tar.TypeReg:
			at, err := a.file.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			a.members[name] = member{at: at, size: hdr.Size}
		case tar.TypeSymlink:
			a.members[name] = member{link: path.Join("/", path.Dir(name), hdr.Linkname)[1:]}
		case tar.TypeLink:
			a.members[name] = member{link: path.Clean("/" + hdr.Linkname)[1:]}
		}
	}
}

func (a *archive) close() error { return a.file.Close() }

func (a *archive) open(name string) (io.ReadCloser, int64, error) {
	name = path.Clean("/" + name)[1:]
	for range 10 {
		m, ok := a.members[name]
		if !ok {
			break
		}
		if m.link == "" {
			return io.NopCloser(io.NewSectionReader(a.file, m.at, m.size)), m.size, nil
		}
		name = m.link
	}
	return nil, 0, fmt.Errorf("%s: %w", termsafe.Line(name), fs.ErrNotExist)
}

// fromDocker reads manifest.json of a docker-archive.
func fromDocker(b bundle, want string) (*images.Source, error) {
	raw, err := small(b, "manifest.json")
	if err != nil {
		return nil, err
	}
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("its manifest.json is not one: %w", store.ErrInvalid)
	}
	var names [][]string
	for _, m := range list {
		names = append(names, m.RepoTags)
	}
	at, err := choose(names, want)
	if err != nil {
		return nil, err
	}
	m := list[at]
	if raw, err = small(b, m.Config); err != nil {
		return nil, fmt.Errorf("the image's config: %w", invalid(err))
	}
	s := &images.Source{ID: digest.FromBytes(raw), Close: b.close}
	if s.Config, err = images.ParseConfig(raw, len(m.Layers)); err != nil {
		return nil, err
	}
	for _, name := range m.Layers {
		r, size, err := b.open(name)
		if err != nil {
			return nil, fmt.Errorf("a layer: %w", invalid(err))
		}
		_ = r.Close()
		s.Blobs = append(s.Blobs, v1.Descriptor{Size: size})
	}
	s.Blob = func(_ context.Context, i int) (io.ReadCloser, error) {
		r, _, err := b.open(m.Layers[i])
		return r, err
	}
	return s, nil
}

// invalid says that what is missing makes the image unreadable.
func invalid(err error) error { return fmt.Errorf("%w: %w", err, store.ErrInvalid) }

// choose returns which of several images is wanted: by name, by @number, or
// the only one.
func choose(names [][]string, want string) (int, error) {
	if number, ok := strings.CutPrefix(want, "@"); ok {
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(names) {
			return i, nil
		}
	}
	var all []string
	for i, of := range names {
		for _, name := range of {
			if name == want || name == want+":latest" || strings.TrimSuffix(name, ":latest") == want && want != "" {
				return i, nil
			}
			all = append(all, termsafe.Line(name))
		}
	}
	switch {
	case len(names) == 0:
		return 0, fmt.Errorf("it holds no image: %w", store.ErrInvalid)
	case want != "":
		return 0, fmt.Errorf("it holds no image %s: %w", termsafe.Line(want), store.ErrInvalid)
	case len(names) > 1:
		return 0, fmt.Errorf("it holds %d images: add :NAME or :@NUMBER behind it (%s): %w",
			len(names), strings.Join(all, ", "), store.ErrInvalid)
	}
	return 0, nil
}

// fromOCI reads index.json of an OCI layout.
func fromOCI(ctx context.Context, b bundle, want string) (*images.Source, error) {
	raw, err := small(b, v1.ImageIndexFile)
	if err != nil {
		return nil, err
	}
	var top v1.Index
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, fmt.Errorf("its index.json is not one: %w", store.ErrInvalid)
	}
	if want != "" || len(top.Manifests) > 1 && named(top) {
		var names [][]string
		for _, m := range top.Manifests {
			names = append(names, []string{m.Annotations[v1.AnnotationRefName], m.Annotations["io.containerd.image.name"]})
		}
		at, err := choose(names, want)
		if err != nil {
			return nil, err
		}
		top.Manifests = top.Manifests[at : at+1]
	}
	fetch := func(_ context.Context, d v1.Descriptor) (*registry.Document, error) { return document(b, d) }
	chosen, err := images.PickManifest(ctx, &top, fetch)
	if err != nil {
		return nil, err
	}
	doc, err := document(b, chosen)
	if err == nil && doc.Manifest == nil {
		err = fmt.Errorf("%s is an index where a manifest should be: %w", chosen.Digest, store.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	m := doc.Manifest
	if raw, err = verified(b, m.Config); err != nil {
		return nil, fmt.Errorf("the image's config: %w", err)
	}
	s := &images.Source{ID: m.Config.Digest, Blobs: m.Layers, Close: b.close}
	s.Blob = func(_ context.Context, i int) (io.ReadCloser, error) {
		r, _, err := b.open(blobName(m.Layers[i].Digest))
		return r, err
	}
	s.Config, err = images.ParseConfig(raw, len(m.Layers))
	return s, err
}

// named reports whether the manifests of an index are different images, not
// one image for several platforms.
func named(ix v1.Index) bool {
	for _, m := range ix.Manifests {
		if m.Annotations[v1.AnnotationRefName] != "" {
			return true
		}
	}
	return false
}

func document(b bundle, d v1.Descriptor) (*registry.Document, error) {
	raw, err := verified(b, d)
	if err != nil {
		return nil, err
	}
	doc, err := registry.ParseDocument(raw, "")
	if err != nil {
		return nil, invalid(err)
	}
	return doc, nil
}

// verified reads a document and checks its digest.
func verified(b bundle, d v1.Descriptor) ([]byte, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("digest %s: %w", termsafe.Line(string(d.Digest)), invalid(err))
	}
	raw, err := small(b, blobName(d.Digest))
	if err != nil {
		return nil, invalid(err)
	}
	if got := d.Digest.Algorithm().FromBytes(raw); got != d.Digest {
		return nil, fmt.Errorf("%s has the content of %s: %w", d.Digest, got, store.ErrDamaged)
	}
	return raw, nil
}

func blobName(d digest.Digest) string {
	return path.Join(v1.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}
