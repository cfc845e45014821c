package headless

import "testing"

// BenchmarkTree is what every command pays before it does anything.
func BenchmarkTree(b *testing.B) {
	a := newApp(IO{}, nil, Options{})
	for b.Loop() {
		a.tree()
	}
}
