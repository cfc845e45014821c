package images

import "context"

// takeBack deletes of made what nothing came to need, after a failure. While
// others use the store it stays for the next prune.
func (im *Images) takeBack(ctx context.Context, made needs, o RemoveOptions) error {
	if len(made.blobs)+len(made.layers) == 0 {
		return nil
	}
	release, err := im.alone(ctx)
	if release == nil {
		return err
	}
	defer release()
	all, err := im.entries(ctx)
	if err != nil {
		return err
	}
	live, err := im.live(ctx, all, o)
	if err != nil {
		return err
	}
	_, _, err = im.drop(ctx, made, live)
	return err
}
