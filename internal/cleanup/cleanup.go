// Package cleanup undoes half-done work: push the inverse of each step, defer
// Run, and call Keep once everything succeeded.
package cleanup

// Stack holds undo steps, run last to first.
type Stack struct{ undo []func() }

// Add pushes an undo step.
func (s *Stack) Add(f func()) { s.undo = append(s.undo, f) }

// Run undoes everything added and not kept.
func (s *Stack) Run() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo = nil
}

// Keep forgets all steps: the work stands.
func (s *Stack) Keep() { s.undo = nil }
