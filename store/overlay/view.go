package overlay

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// View opens a read-only view of lowers, top first, as a directory that has no
// place in any mount namespace: it goes when it is closed, or with this
// process. An upper directory in use may be the topmost.
func View(lowers []string) (*os.File, error) {
	if err := check(lowers, "", ""); err != nil {
		return nil, err
	}
	if len(lowers) == 1 {
		return os.OpenFile(lowers[0], unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	}
	l := layers{lowers: lowers}
	fd, err := l.detached()
	if errors.Is(err, errNoNewAPI) {
		fd, err = l.aside()
	}
	if err != nil {
		return nil, fmt.Errorf("looking at %d layers: %w", len(lowers), err)
	}
	return os.NewFile(uintptr(fd), "overlay"), nil
}

// aside mounts the layers for a thread that ends at once; only the descriptor
// keeps them.
func (l layers) aside() (int, error) {
	type result struct {
		fd  int
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends, its mounts too
		fd, err := l.mountHere()
		done <- result{fd, err}
	}()
	r := <-done
	return r.fd, r.err
}

func (l layers) mountHere() (int, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return -1, fmt.Errorf("leaving the mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return -1, fmt.Errorf("leaving the mount namespace: %w", err)
	}
	target := l.lowers[0] // any directory does: nobody else sees it
	if err := l.mountOld(target); err != nil {
		return -1, err
	}
	return openDir(target)
}
