package blob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/internal/atomicfile"
	"gantry/store"
)

// Ref is a name for content: the full normalised reference and the manifest or
// index it points to, as served.
type Ref struct {
	Name string
	Desc v1.Descriptor
}

// Refs lists the named entries of index.json in the order of the file. The same
// content may have several names.
func (b *Store) Refs(ctx context.Context) ([]Ref, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ix, err := b.readIndex()
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for _, raw := range ix.manifests {
		if r, ok := parseRef(raw); ok {
			refs = append(refs, r)
		}
	}
	return refs, nil
}

// SetRef makes name point to desc, whatever it pointed to before, with further
// annotations. Entries with other names, or without one, are left as they are.
func (b *Store) SetRef(ctx context.Context, name string, desc v1.Descriptor, annotations map[string]string) error {
	if name == "" {
		return fmt.Errorf("a reference has no name: %w", store.ErrInvalid)
	}
	if err := check(desc.Digest); err != nil {
		return err
	}
	all := maps.Clone(desc.Annotations)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, annotations)
	all[v1.AnnotationRefName] = name
	desc.Annotations = all
	raw, err := json.Marshal(desc)
	if err != nil {
		return err
	}
	return b.changeIndex(ctx, func(ix *index) error {
		at := slices.IndexFunc(ix.manifests, named(name))
		ix.manifests = slices.DeleteFunc(ix.manifests, named(name))
		if at < 0 {
			at = len(ix.manifests)
		}
		ix.manifests = slices.Insert(ix.manifests, at, json.RawMessage(raw))
		return nil
	})
}

// DeleteRef takes a name away. The error is ErrNotFound when it is not there.
func (b *Store) DeleteRef(ctx context.Context, name string) error {
	return b.changeIndex(ctx, func(ix *index) error {
		before := len(ix.manifests)
		ix.manifests = slices.DeleteFunc(ix.manifests, named(name))
		if len(ix.manifests) == before {
			return fmt.Errorf("reference %s: %w", name, store.ErrNotFound)
		}
		return nil
	})
}

// changeIndex is the only way to write index.json.
func (b *Store) changeIndex(ctx context.Context, change func(*index) error) error {
	l, err := b.s.Lock(ctx, "refs", "index")
	if err != nil {
		return err
	}
	defer l.Unlock()
	ix, err := b.readIndex()
	if err != nil {
		return err
	}
	if err := change(ix); err != nil {
		return err
	}
	if err := b.layout(); err != nil {
		return err
	}
	data, err := ix.encode()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(b.indexPath(), data, 0o600, atomicfile.PowerCut); err != nil {
		return fmt.Errorf("writing the names of images: %w", err)
	}
	b.s.Changed(store.Images)
	return nil
}

// index is index.json with everything we do not know kept as it came.
type index struct {
	manifests []json.RawMessage
	fields    map[string]json.RawMessage // without manifests
}

func (b *Store) indexPath() string { return b.s.Path(v1.ImageIndexFile) }

func (b *Store) readIndex() (*index, error) {
	ix := &index{fields: map[string]json.RawMessage{
		"schemaVersion": json.RawMessage("2"),
		"mediaType":     json.RawMessage(`"` + v1.MediaTypeImageIndex + `"`),
	}}
	data, err := os.ReadFile(b.indexPath())
	if errors.Is(err, fs.ErrNotExist) {
		return ix, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &ix.fields); err != nil {
		return nil, fmt.Errorf("%s is %w: %w", b.indexPath(), store.ErrDamaged, err)
	}
	if ix.fields == nil {
		return nil, fmt.Errorf("%s is %w: it holds null", b.indexPath(), store.ErrDamaged)
	}
	if raw, ok := ix.fields["manifests"]; ok {
		if err := json.Unmarshal(raw, &ix.manifests); err != nil {
			return nil, fmt.Errorf("%s is %w: %w", b.indexPath(), store.ErrDamaged, err)
		}
		delete(ix.fields, "manifests")
	}
	return ix, nil
}

func (ix *index) encode() ([]byte, error) {
	all := maps.Clone(ix.fields)
	manifests := ix.manifests
	if manifests == nil {
		manifests = []json.RawMessage{}
	}
	raw, err := json.Marshal(manifests)
	if err != nil {
		return nil, err
	}
	all["manifests"] = raw
	data, err := json.Marshal(all)
	return append(data, '\n'), err
}

// named matches the entries that have a name.
func named(name string) func(json.RawMessage) bool {
	return func(raw json.RawMessage) bool {
		r, ok := parseRef(raw)
		return ok && r.Name == name
	}
}

// parseRef is false for entries without a name or with a digest we would not
// keep: those of other tools.
func parseRef(raw json.RawMessage) (Ref, bool) {
	var desc v1.Descriptor
	if json.Unmarshal(raw, &desc) != nil || check(desc.Digest) != nil {
		return Ref{}, false
	}
	name := desc.Annotations[v1.AnnotationRefName]
	return Ref{name, desc}, name != ""
}

// layout makes oci-layout, which tells other tools what the directory is.
func (b *Store) layout() error {
	path := b.s.Path(v1.ImageLayoutFile)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	return atomicfile.WriteJSON(path, v1.ImageLayout{Version: v1.ImageLayoutVersion}, 0o600, atomicfile.PowerCut)
}
