package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/store"
)

// Limits of what a manifest or index may list.
const (
	MaxLayers   = 128
	maxChildren = 1000
)

// Document is a manifest or an index as served. Exactly one of Index and
// Manifest is set.
type Document struct {
	Desc     v1.Descriptor // media type, digest and size of Raw
	Raw      []byte
	Index    *v1.Index
	Manifest *v1.Manifest
}

// bad is an error for content that is not what it should be.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w", &contentError{fmt.Errorf(format, args...)})
}

type contentError struct{ err error }

func (e *contentError) Error() string   { return e.err.Error() }
func (e *contentError) Unwrap() []error { return []error{e.err, store.ErrInvalid} }

// ParseDocument reads a manifest or index that came with the given content
// type, "" when there was none. It refuses what two readers could understand
// in two ways (CVE-2021-41190) and descriptors that are not well formed.
func ParseDocument(raw []byte, contentType string) (*Document, error) {
	fields, err := topLevel(raw)
	if err != nil {
		return nil, err
	}
	var head struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, errors.New("not a manifest: its fields have the wrong types")
	}
	kind, err := kindOf(fields, head.MediaType, contentType)
	if err != nil {
		return nil, err
	}
	d := &Document{Raw: raw, Desc: v1.Descriptor{MediaType: kind, Digest: digest.FromBytes(raw), Size: int64(len(raw))}}
	if isIndex(kind) {
		return d, d.parseIndex()
	}
	return d, d.parseManifest()
}

// ParseStored reads a manifest or index that was checked when it came, and
// whose digest is known to be d. It is several times faster.
func ParseStored(d digest.Digest, raw []byte) (*Document, error) {
	var all struct {
		v1.Manifest
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, bad("manifest %s: its fields have the wrong types", d)
	}
	kind := all.MediaType
	switch {
	case kind == "" && all.Manifests != nil:
		kind = v1.MediaTypeImageIndex
	case kind == "":
		kind = v1.MediaTypeImageManifest
	}
	doc := &Document{Raw: raw, Desc: v1.Descriptor{MediaType: kind, Digest: d, Size: int64(len(raw))}}
	var err error
	switch {
	case isIndex(kind):
		doc.Index = &v1.Index{MediaType: kind, Manifests: all.Manifests}
		err = doc.checkIndex()
	case known(kind):
		doc.Manifest = &all.Manifest
		err = doc.checkManifest()
	default:
		err = errors.New("not a container image")
	}
	if err != nil {
		return nil, bad("manifest %s: %w", d, err)
	}
	return doc, nil
}

// topLevel returns the names of the document's fields. Names that repeat, also
// with other capitals, are refused: readers disagree on which one counts.
func topLevel(raw []byte) (map[string]bool, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")) {
			return nil, errors.New("the registry answered with a web page instead of a manifest")
		}
		return nil, errors.New("not a manifest: no JSON object")
	}
	fields, seen := map[string]bool{}, map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, errors.New("not a manifest: broken JSON")
		}
		if folded := strings.ToLower(name); seen[folded] {
			return nil, fmt.Errorf(`ambiguous manifest: field "%s" occurs twice`, clip(name))
		} else {
			seen[folded] = true
		}
		fields[name] = true
	}
	if !json.Valid(raw) {
		return nil, errors.New("not a manifest: broken JSON")
	}
	return fields, nil
}

// kindOf decides what a document is, from its fields, its own media type and
// the header's, which must agree.
func kindOf(fields map[string]bool, own, header string) (string, error) {
	header, _, _ = mime.ParseMediaType(header)
	if strings.HasPrefix(own, schema1) || strings.HasPrefix(header, schema1) || fields["fsLayers"] {
		return "", errors.New("an image of the retired schema 1: have it pushed again by a current tool")
	}
	if fields["manifests"] && (fields["layers"] || fields["config"]) {
		return "", fmt.Errorf("ambiguous manifest: holds manifests and layers, so %s and %s at once (content type %s)",
			v1.MediaTypeImageIndex, v1.MediaTypeImageManifest, clip(header))
	}
	kind := own
	if known(header) {
		if own != "" && own != header {
			return "", fmt.Errorf("ambiguous manifest: sent as %s but calls itself %s", header, clip(own))
		}
		kind = header
	}
	if kind == "" && fields["manifests"] {
		kind = v1.MediaTypeImageIndex
	} else if kind == "" {
		kind = v1.MediaTypeImageManifest
	}
	if !known(kind) {
		return "", fmt.Errorf("not a container image: media type %s", clip(kind))
	}
	if isIndex(kind) != fields["manifests"] {
		return "", fmt.Errorf("ambiguous manifest: a %s without its list", kind)
	}
	return kind, nil
}

func known(t string) bool {
	return isIndex(t) || t == v1.MediaTypeImageManifest || t == dockerManifest
}

func isIndex(t string) bool { return t == v1.MediaTypeImageIndex || t == dockerList }

func (d *Document) parseIndex() error {
	if err := json.Unmarshal(d.Raw, &d.Index); err != nil {
		return errors.New("not an index: its fields have the wrong types")
	}
	return d.checkIndex()
}

func (d *Document) checkIndex() error {
	if n := len(d.Index.Manifests); n > maxChildren {
		return fmt.Errorf("the index lists %d manifests; limit %d", n, maxChildren)
	}
	for _, m := range d.Index.Manifests {
		if err := checkDescriptor(m, maxDocument); err != nil {
			return fmt.Errorf("manifest in index: %w", err)
		}
	}
	return nil
}

func (d *Document) parseManifest() error {
	if err := json.Unmarshal(d.Raw, &d.Manifest); err != nil {
		return errors.New("not a manifest: its fields have the wrong types")
	}
	return d.checkManifest()
}

func (d *Document) checkManifest() error {
	m := d.Manifest
	if m.Config.MediaType != v1.MediaTypeImageConfig && m.Config.MediaType != dockerConfig {
		return fmt.Errorf(`not a container image: its config is a "%s"`, clip(m.Config.MediaType))
	}
	if err := checkDescriptor(m.Config, maxDocument); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if n := len(m.Layers); n > MaxLayers {
		return fmt.Errorf("image has %d layers; limit %d", n, MaxLayers)
	}
	for i, l := range m.Layers {
		if err := checkDescriptor(l, 1<<50); err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
		if !strings.HasPrefix(l.MediaType, "application/vnd.oci.image.layer.") && !strings.HasPrefix(l.MediaType, dockerLayers) {
			return fmt.Errorf(`layer %d: media type "%s" is no file system layer`, i+1, clip(l.MediaType))
		}
	}
	return nil
}

func checkDescriptor(d v1.Descriptor, limit int64) error {
	if d.Digest.Validate() != nil || d.Digest.Algorithm() != digest.SHA256 {
		return fmt.Errorf(`digest "%s" is not sha256: and 64 hex digits`, clip(d.Digest.String()))
	}
	if d.Size < 0 || d.Size > limit {
		return fmt.Errorf("%s: a size of %d bytes is not possible", d.Digest, d.Size)
	}
	return nil
}
