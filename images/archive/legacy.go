package archive

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxChain bounds the layers of an image of the first format.
const maxChain = 128

// legacyLayer is <id>/json of Docker's first image format, in which each layer
// is an image of its own and names its parent.
type legacyLayer struct {
	Parent          string                 `json:"parent"`
	Created         *time.Time             `json:"created"`
	Author          string                 `json:"author"`
	Comment         string                 `json:"comment"`
	Architecture    string                 `json:"architecture"`
	OS              string                 `json:"os"`
	Config          json.RawMessage        `json:"config"`
	ContainerConfig struct{ Cmd []string } `json:"container_config"`
	Throwaway       bool                   `json:"throwaway"`

	file string
}

// legacy reads an archive without manifest.json: repositories leads to layers,
// whose configs become one of today's.
func (a *Archive) legacy() ([]Image, error) {
	raw, err := a.read(legacyFile)
	if err != nil {
		return nil, err
	}
	var repositories map[string]map[string]string
	if err := json.Unmarshal(raw, &repositories); err != nil {
		return nil, refuse("the archive's %s is no list of names", legacyFile)
	}
	byLayer := map[string]*Image{}
	for _, repo := range slices.Sorted(maps.Keys(repositories)) {
		for _, tag := range slices.Sorted(maps.Keys(repositories[repo])) {
			id := repositories[repo][tag]
			if byLayer[id] == nil {
				if byLayer[id], err = a.legacyImage(id); err != nil {
					return nil, err
				}
			}
			byLayer[id].call(repo + ":" + tag)
		}
	}
	var all []Image
	for _, id := range slices.Sorted(maps.Keys(byLayer)) {
		all = append(all, *byLayer[id])
	}
	return all, nil
}

func (a *Archive) legacyImage(id string) (*Image, error) {
	chain, err := a.chain(id)
	if err != nil {
		return nil, err
	}
	top := chain[len(chain)-1]
	var config struct {
		Created      *time.Time      `json:"created,omitempty"`
		Author       string          `json:"author,omitempty"`
		Architecture string          `json:"architecture"`
		OS           string          `json:"os"`
		Config       json.RawMessage `json:"config,omitempty"`
		RootFS       v1.RootFS       `json:"rootfs"`
		History      []v1.History    `json:"history"`
	}
	config.Created, config.Author, config.Config = top.Created, top.Author, top.Config
	config.Architecture, config.OS = cmp.Or(top.Architecture, "amd64"), cmp.Or(top.OS, "linux")
	config.RootFS = v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}
	img := &Image{}
	for _, l := range chain {
		h := v1.History{Created: l.Created, Author: l.Author, Comment: l.Comment, EmptyLayer: l.Throwaway}
		if len(l.ContainerConfig.Cmd) > 0 {
			h.CreatedBy = fmt.Sprint(l.ContainerConfig.Cmd)
		}
		config.History = append(config.History, h)
		if l.Throwaway {
			continue
		}
		diffID, err := a.diffID(l.file)
		if err != nil {
			return nil, err
		}
		img.Layers = append(img.Layers, l.file)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
	}
	img.Config, err = json.Marshal(config)
	return img, err
}

// chain reads a layer and its parents, lowest first.
func (a *Archive) chain(id string) ([]legacyLayer, error) {
	var chain []legacyLayer
	for id != "" {
		if len(chain) == maxChain {
			return nil, refuse("image has more than %d layers", maxChain)
		}
		raw, err := a.read(id + "/json")
		if err != nil {
			return nil, err
		}
		l := legacyLayer{file: id + "/layer.tar"}
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, refuse("the archive's %q is no description of a layer", id+"/json")
		}
		chain = append(chain, l)
		id = l.Parent
	}
	if len(chain) == 0 {
		return nil, refuse("the archive's %s names a layer without an id", legacyFile)
	}
	slices.Reverse(chain)
	return chain, nil
}

func (a *Archive) diffID(name string) (digest.Digest, error) {
	r, _, err := a.Open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	z, err := Decompress(r)
	if err != nil {
		return "", err
	}
	defer z.Close()
	sum := digest.SHA256.Digester()
	_, err = io.Copy(sum.Hash(), z)
	return sum.Digest(), err
}
