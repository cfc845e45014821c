package layers

// View is a tree to scroll in. Its rows are computed when they are asked for.
// It is not safe for concurrent use.
type View struct{}

// Len is the number of rows.
func (v *View) Len() int { return 0 }

// Rows returns up to n rows from first on.
func (v *View) Rows(first, n int) []Row { return nil }

// Toggle opens or closes a directory and reports whether there is one to.
func (v *View) Toggle(path string) bool { return false }

// Reveal opens the directories above path and returns its row, or -1.
func (v *View) Reveal(path string) int { return -1 }

// OpenAll opens, CloseAll closes every directory.
func (v *View) OpenAll() {}

// CloseAll closes every directory.
func (v *View) CloseAll() {}

// Totals counts the files of each class in the view and their bytes.
func (v *View) Totals() Totals { return Totals{} }

// Totals is what a view holds, over all directories open or not.
type Totals struct {
	Files [4]int // by Class
	Bytes [4]int64
	Shown int // files that filters left
}
