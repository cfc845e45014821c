package runtime

import "runtime"

// thread is one operating system thread that does as it is told until ended.
// The kernel sends the parent-death signal when the forking thread dies, not
// the process, so everything of a container is forked from one that stays.
type thread struct {
	work chan func()
	over chan struct{}
}

func newThread() *thread {
	t := &thread{work: make(chan func()), over: make(chan struct{})}
	go func() {
		defer close(t.over)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for fn := range t.work {
			fn()
		}
	}()
	return t
}

// do runs fn on the thread and waits for it.
func (t *thread) do(fn func() error) (err error) {
	done := make(chan struct{})
	t.work <- func() {
		defer close(done)
		err = fn()
	}
	<-done
	return err
}

// end lets the thread go. Precondition: nothing forked from it is alive.
func (t *thread) end() {
	close(t.work)
	<-t.over
}
