package headless

import (
	"maps"
	"slices"

	"gantry/engine"
)

// imageJSON is an image in the field names of Docker's API.
type imageJSON struct {
	ID           string `json:"Id"`
	RepoTags     []string
	RepoDigests  []string
	Parent       string
	Comment      string
	Created      string
	Author       string
	Config       configJSON
	Architecture string
	Variant      string `json:",omitempty"`
	Os           string
	Size         int64
	GraphDriver  struct{ Name string }
	RootFS       rootFSJSON
	Descriptor   descriptorJSON
	Damaged      string `json:",omitempty"`
}

type rootFSJSON struct {
	Type   string
	Layers []string
}

// descriptorJSON is what the registry served under the image's name.
type descriptorJSON struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

func imageDetails(img engine.Image) imageJSON {
	g := img.Config.Config
	d := imageJSON{ID: img.ID.String(), RepoTags: list(img.Names), RepoDigests: list(img.RepoDigests),
		Author:  img.Config.Author,
		Created: stamp(img.Created), Architecture: img.Config.Architecture, Variant: img.Config.Variant, Os: img.Config.OS,
		Size: img.Size, Damaged: img.Damaged, RootFS: rootFSJSON{Type: "layers", Layers: []string{}},
		Descriptor: descriptorJSON{img.Target.MediaType, img.Target.Digest.String(), img.Target.Size},
		Config: configJSON{User: g.User, Env: list(g.Env), Cmd: g.Cmd, Entrypoint: g.Entrypoint, WorkingDir: g.WorkingDir,
			ExposedPorts: nameSet(keys(g.ExposedPorts)), Volumes: nameSet(keys(g.Volumes)), Labels: labelMap(g.Labels),
			StopSignal: g.StopSignal}}
	d.GraphDriver.Name = "overlay2"
	for _, layer := range img.Layers {
		d.RootFS.Layers = append(d.RootFS.Layers, layer.String())
	}
	if h := img.Config.History; len(h) > 0 {
		d.Comment = h[len(h)-1].Comment
	}
	return d
}

func keys(m map[string]struct{}) []string { return slices.Sorted(maps.Keys(m)) }
