package layers

// Index is all of an image's layers in one table. It never changes and is safe
// for concurrent use. Close releases what reading content needs.
type Index struct{}

// Name is what the image was asked for by, printable.
func (x *Index) Name() string { return "" }

// Layers lists the instructions, lowest first, empty ones included.
func (x *Index) Layers() []Layer { return nil }

// Len is the number of paths.
func (x *Index) Len() int { return 0 }

// Stats is what the image costs.
func (x *Index) Stats() Stats { return Stats{} }

// Path returns what the layers did to a path, oldest first: entries of its own
// and removals of a directory it was in. It is empty for an unknown path.
func (x *Index) Path(path string) []Version { return nil }

// At returns the version of path there is after layer.
func (x *Index) At(layer int, path string) (Version, bool) { return Version{}, false }

// Find returns at most limit paths that match, best first for Fuzzy and else
// in tree order.
func (x *Index) Find(p Pattern, limit int) ([]Hit, error) { return nil, nil }

// Close releases what reading content needs.
func (x *Index) Close() error { return nil }

// View shows what layers from..to did, as a tree of what is there after to and
// what was before from.
func (x *Index) View(from, to int, o ViewOptions) (*View, error) { return &View{}, nil }
