package logs

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watcher waits for changes of a log's directory. The inotify instance is made
// with the first wait and kept: closing one costs the kernel milliseconds.
type watcher struct {
	dir  string
	turn chan struct{} // holds one token: a single wait at a time
	f    *os.File
}

func newWatcher(dir string) watcher {
	w := watcher{dir: dir, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	return w
}

// until waits until look reports grown or ended.
func (w *watcher) until(ctx context.Context, look func() (grown, ended bool, err error)) (bool, error) {
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if err := w.open(); err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = w.f.SetReadDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			_ = w.f.SetReadDeadline(time.Time{})
		}
	}()
	for {
		grown, ended, err := look()
		if grown || ended || err != nil {
			return ended, err
		}
		closed, gone, err := w.event()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil || gone:
			return gone, err
		case closed:
			// The kernel tells of a close just before it frees the lock of the
			// closed file, so a dying writer may be seen alive once more.
			if grown, ended, err := again(ctx, look); grown || ended || err != nil {
				return ended, err
			}
		}
	}
}

// again looks a few times within some milliseconds.
func again(ctx context.Context, look func() (grown, ended bool, err error)) (grown, ended bool, err error) {
	t := time.NewTimer(0)
	defer t.Stop()
	for wait := 250 * time.Microsecond; wait < 20*time.Millisecond; wait *= 2 {
		select {
		case <-t.C:
		case <-ctx.Done():
			return false, false, ctx.Err()
		}
		if grown, ended, err = look(); grown || ended || err != nil {
			return grown, ended, err
		}
		t.Reset(wait)
	}
	return false, false, nil
}

func (w *watcher) open() error {
	if w.f != nil {
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return err
	}
	const mask = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_CLOSE_WRITE | unix.IN_DELETE_SELF | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, w.dir, mask); err != nil {
		_ = unix.Close(fd)
		return &os.PathError{Op: "watch", Path: w.dir, Err: err}
	}
	w.f = os.NewFile(uintptr(fd), "inotify")
	return nil
}

// event waits for events and reports whether a file was closed by its writer,
// or the directory is gone.
func (w *watcher) event() (closed, gone bool, err error) {
	var buf [4096]byte
	n, err := w.f.Read(buf[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
		// struct inotify_event: int32 wd; uint32 mask, cookie, len; name.
		mask := binary.NativeEndian.Uint32(b[4:])
		closed = closed || mask&unix.IN_CLOSE_WRITE != 0
		gone = gone || mask&(unix.IN_DELETE_SELF|unix.IN_IGNORED) != 0
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		if size > len(b) {
			break
		}
		b = b[size:]
	}
	return closed, gone, nil
}

func (w *watcher) close() error {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	if w.f == nil {
		return nil
	}
	err := w.f.Close()
	w.f = nil
	return err
}
