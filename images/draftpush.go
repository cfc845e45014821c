package images

import (
	"context"
	"errors"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/images/reference"
	"gantry/images/registry"
	"gantry/internal/progress"
	"gantry/store"
)

// ManifestInfo is a manifest or list as it is pushed or served.
type ManifestInfo struct {
	Ref  string        // full, by digest for a member of a list
	Desc v1.Descriptor // with its platform, for a member of a list
	Raw  []byte
}

// InspectManifest returns a draft's list, or what a registry serves for name.
// With list, name is looked for among its members. Members are returned with a
// list when all is set.
func (im *Images) InspectManifest(ctx context.Context, list, name string, all, insecure bool) ([]ManifestInfo, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return nil, err
	}
	if list != "" {
		return im.inspectMember(list, ref)
	}
	d, err := im.draft(ref)
	if err == nil {
		return d.inspect(ref, all)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	repo, err := im.reg.Open(ctx, ref, insecure)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	top, err := repo.Manifest(ctx, ref.Target())
	if err != nil {
		return nil, err
	}
	if top.Index == nil || !all {
		return []ManifestInfo{info(ref, top)}, nil
	}
	var infos []ManifestInfo
	for _, m := range top.Index.Manifests {
		if m.Platform != nil && m.Platform.OS == "unknown" {
			continue // an attestation, no image
		}
		child, err := repo.Child(ctx, m)
		if err != nil {
			return nil, err
		}
		child.Desc.Platform = m.Platform
		infos = append(infos, info(ref.ByDigest(m.Digest), child))
	}
	return infos, nil
}

func info(ref reference.Ref, doc *registry.Document) ManifestInfo {
	return ManifestInfo{Ref: ref.Full(), Desc: doc.Desc, Raw: doc.Raw}
}

func (im *Images) inspectMember(list string, ref reference.Ref) ([]ManifestInfo, error) {
	of, err := tagged(list)
	if err != nil {
		return nil, err
	}
	d, err := im.draft(of)
	if err != nil {
		return nil, err
	}
	for _, e := range d.Members {
		if e.Ref == ref.Full() || ref.Digest != "" && ref.Digest == e.Desc.Digest {
			doc, err := e.document()
			if err != nil {
				return nil, err
			}
			return []ManifestInfo{info(ref, doc)}, nil
		}
	}
	return nil, say(store.ErrNotFound, "No such manifest: %s in %s", ref.Familiar(), of.Familiar())
}

func (d *draft) inspect(ref reference.Ref, all bool) ([]ManifestInfo, error) {
	if !all {
		doc, err := d.index()
		if err != nil {
			return nil, err
		}
		return []ManifestInfo{info(ref, doc)}, nil
	}
	var infos []ManifestInfo
	for _, e := range d.Members {
		doc, err := e.document()
		if err != nil {
			return nil, err
		}
		infos = append(infos, ManifestInfo{Ref: e.Ref, Desc: doc.Desc, Raw: e.Raw})
	}
	return infos, nil
}

func (e DraftEntry) document() (*registry.Document, error) {
	doc, err := registry.ParseDocument(e.Raw, e.Desc.MediaType)
	if err != nil {
		return nil, err
	}
	if doc.Desc.Digest != e.Desc.Digest {
		return nil, say(store.ErrDamaged, "the stored manifest of %s is damaged", e.Ref)
	}
	doc.Desc.Platform = e.Desc.Platform
	return doc, nil
}

// PushList pushes a draft: what its manifests need, the manifests, the list.
// With purge the draft goes when all is well.
func (im *Images) PushList(ctx context.Context, name string, purge, insecure bool, sink progress.Sink) (Pushed, error) {
	ref, err := tagged(name)
	if err != nil {
		return Pushed{}, err
	}
	release, err := im.s.Use(ctx)
	if err != nil {
		return Pushed{}, err
	}
	defer release()
	d, err := im.draft(ref)
	if err != nil {
		return Pushed{}, err
	}
	list, err := d.index()
	if err != nil {
		return Pushed{}, err
	}
	p := &push{im: im, ref: ref, sink: progress.Or(sink)}
	if err := p.list(ctx, d, list, insecure); err != nil {
		return Pushed{}, err
	}
	if purge {
		err = im.RemoveList(ctx, name)
	}
	return Pushed{Name: ref.Full(), Tag: ref.Tag, Digest: list.Desc.Digest, Size: list.Desc.Size}, err
}

func (p *push) list(ctx context.Context, d *draft, list *registry.Document, insecure bool) error {
	ctx = registry.WithNotice(ctx, func(remark string) { noticeTo(p.sink, p.ref.Domain, remark) })
	plan, mounts, err := p.listPlan(d)
	if err != nil {
		return err
	}
	repo, err := p.im.reg.OpenFor(ctx, p.ref, registry.Access{Insecure: insecure, Push: true, MountFrom: mounts})
	if err != nil {
		return err
	}
	defer repo.Close()
	p.repo = repo
	plan.docs = append(plan.docs, list)
	return p.one(ctx, plan, p.ref.Tag)
}
