package layers

// Diff is what differs between two images, as the finished containers see it.
type Diff struct {
	A, B *Index // their Layers have Shared set
}

// View is one tree over both images: Added is in B only, Removed in A only. In
// rows, Layer is a layer of A for what was removed and of B otherwise.
func (d *Diff) View(o ViewOptions) (*View, error) { return &View{}, nil }

// Path returns what each image has at a path.
func (d *Diff) Path(path string) (a, b Version, inA, inB bool) { return }

// Close closes both.
func (d *Diff) Close() error { return nil }
