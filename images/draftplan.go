package images

import (
	"slices"

	"github.com/opencontainers/go-digest"

	"gantry/images/reference"
	"gantry/store"
)

// listPlan collects what the members of a list need. Blobs that are not here
// are mounted from the repository their manifest came from, which must be of
// the same registry.
func (p *push) listPlan(d *draft) (*plan, []string, error) {
	pl := &plan{seen: map[digest.Digest]bool{}}
	p.from = map[digest.Digest][]string{}
	var mounts []string
	for _, e := range d.Members {
		doc, err := e.document()
		if err != nil {
			return nil, nil, err
		}
		source, err := reference.Parse(e.Ref)
		if err != nil {
			return nil, nil, err
		}
		same := source.Domain == p.ref.Domain
		if !e.Local && !same {
			return nil, nil, say(store.ErrInvalid, "%s is at another registry than %s: pull it first, so that it can be pushed along",
				source.Familiar(), p.ref.Familiar())
		}
		if same && source.Path != p.ref.Path && !slices.Contains(mounts, source.Path) {
			mounts = append(mounts, source.Path)
		}
		blobs := []planned{{doc.Manifest.Config, true}}
		for _, l := range doc.Manifest.Layers {
			blobs = append(blobs, planned{l, false})
		}
		for _, b := range blobs {
			if same && source.Path != p.ref.Path && !slices.Contains(p.from[b.Digest], source.Path) {
				p.from[b.Digest] = append(p.from[b.Digest], source.Path)
			}
			if !pl.seen[b.Digest] {
				pl.seen[b.Digest] = true
				pl.blobs = append(pl.blobs, b)
			}
		}
		pl.docs = append(pl.docs, doc)
	}
	return pl, mounts, nil
}
