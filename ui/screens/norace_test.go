//go:build !race

package screens_test

// raced says that the race detector slows everything down.
const raced = false
