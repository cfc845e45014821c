package images

import "context"

// Tag gives the image src the further name dst. An image that had dst before
// stays, without that name.
func (im *Images) Tag(ctx context.Context, src, dst string) error {
	ref, err := tagged(dst)
	if err != nil {
		return err
	}
	release, err := im.s.Use(ctx)
	if err != nil {
		return err
	}
	defer release()
	img, err := im.Resolve(ctx, src)
	if err != nil {
		return err
	}
	_, err = im.point(ctx, entry{name: ref.Full(), target: img.Target, manifest: img.Manifest.Digest})
	return err
}
