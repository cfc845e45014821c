package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/reference"
	"gantry/internal/termsafe"
	"gantry/store"
)

// Files that say what an archive holds.
const (
	indexFile  = v1.ImageIndexFile
	layoutFile = v1.ImageLayoutFile
	dockerFile = "manifest.json"
	legacyFile = "repositories"
)

// NameAnnotation is the whole name of an image in an OCI layout, as containerd
// and Docker write it.
const NameAnnotation = "io.containerd.image.name"

// Image is an image in an archive, in one of two forms: Target leads to a
// manifest or index in the OCI layout, or else Config and Layers are what a
// docker-archive has of it.
type Image struct {
	Names   []string // full references
	Ignored []string // names that are none, cleaned
	Target  v1.Descriptor
	Config  []byte
	Layers  []string // names of files, lowest first
}

// Images lists the images, each once. An archive of both kinds is read as an
// OCI layout, which keeps digests, with the names of both.
func (a *Archive) Images() ([]Image, error) {
	docker, err := a.docker()
	if err != nil {
		return nil, err
	}
	all, err := a.layout()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		all = docker
	} else {
		a.addNames(all, docker)
	}
	if len(all) == 0 && a.has(legacyFile) {
		if all, err = a.legacy(); err != nil {
			return nil, err
		}
	}
	switch {
	case len(all) == 0:
		return nil, refuse("the archive names no image")
	case len(all) > maxImages:
		return nil, refuse("the archive has %d images; limit %d", len(all), maxImages)
	}
	return all, nil
}

// layout reads index.json.
func (a *Archive) layout() ([]Image, error) {
	raw, err := a.read(indexFile)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ix v1.Index
	if err := json.Unmarshal(raw, &ix); err != nil {
		return nil, refuse("the archive's %s is no index of images", indexFile)
	}
	var all []Image
	for _, d := range ix.Manifests {
		if d.Digest.Validate() != nil {
			return nil, refuse("the archive's %s has a malformed digest: %q", indexFile, termsafe.Line(d.Digest.String()))
		}
		at := slices.IndexFunc(all, func(i Image) bool { return i.Target.Digest == d.Digest })
		if at < 0 {
			at = len(all)
			all = append(all, Image{Target: d})
			all[at].Target.Annotations = nil
		}
		if name := layoutName(d.Annotations); name != "" {
			all[at].call(name)
		}
	}
	return all, nil
}

// layoutName is how an entry of index.json calls its image. A word alone is a
// tag, which names no image.
func layoutName(annotations map[string]string) string {
	if name := annotations[NameAnnotation]; name != "" {
		return name
	}
	name := annotations[v1.AnnotationRefName]
	if word := !strings.ContainsAny(name, ":/@"); word && name == strings.ToLower(name) {
		return ""
	}
	return name
}

// call adds a name, if it is one.
func (i *Image) call(name string) {
	ref, err := reference.Parse(name)
	if err != nil || ref.Digest != "" {
		i.Ignored = append(i.Ignored, termsafe.Line(name))
		return
	}
	if full := ref.Full(); !slices.Contains(i.Names, full) {
		i.Names = append(i.Names, full)
	}
}

// addNames gives images of the layout the names they have in manifest.json.
func (a *Archive) addNames(all, docker []Image) {
	for i := range all {
		id := a.configOf(all[i].Target.Digest)
		for _, d := range docker {
			if id == "" || digest.FromBytes(d.Config) != id {
				continue
			}
			for _, name := range d.Names {
				all[i].call(name)
			}
		}
	}
}

// configOf returns the digest of the config of a manifest, "" for anything
// else.
func (a *Archive) configOf(d digest.Digest) digest.Digest {
	raw, err := a.ReadBlob(d)
	var m v1.Manifest
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return ""
	}
	return m.Config.Digest
}

// dockerImage is an entry of manifest.json.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// docker reads manifest.json.
func (a *Archive) docker() ([]Image, error) {
	raw, err := a.read(dockerFile)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries []dockerImage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, refuse("the archive's %s is no list of images", dockerFile)
	}
	var all []Image
	for _, e := range entries {
		if e.Config == "" {
			return nil, refuse("the archive's %s has an image without a config", dockerFile)
		}
		img := Image{Layers: e.Layers}
		if img.Config, err = a.read(e.Config); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		for _, tag := range e.RepoTags {
			img.call(tag)
		}
		at := slices.IndexFunc(all, func(i Image) bool { return bytes.Equal(i.Config, img.Config) })
		if at < 0 {
			all = append(all, img)
			continue
		}
		for _, name := range img.Names {
			all[at].call(name)
		}
	}
	return all, nil
}
