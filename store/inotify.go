package store

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// notices is an inotify instance. It sees notices being written and the locks
// of supervisors being let go: the kernel does that when one dies, whatever of,
// and a killed one writes no notice. A supervisor's lock is open for writing,
// those who only look at it open it for reading, so that looking is no event.
type notices struct {
	s       *Store
	f       *os.File
	changes int          // watch descriptor of the directory of notices
	runs    int          // and of the one that holds a directory per container
	lives   map[int]bool // and of the latter
}

// lockName is the file a supervisor holds, in its container's directory.
const lockName = "lock"

func watchNotices(s *Store) (*notices, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	n := &notices{s: s, f: os.NewFile(uintptr(fd), "inotify"), lives: map[int]bool{}}
	if n.changes, err = n.add(s.RunPath("changes"), unix.IN_MODIFY); err != nil {
		return nil, errors.Join(err, n.f.Close())
	}
	// A newer store may keep its containers elsewhere.
	n.runs, err = n.add(s.RunPath("c"), unix.IN_CREATE)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, n.f.Close())
	}
	n.scan()
	return n, nil
}

func (n *notices) add(dir string, mask uint32) (wd int, err error) {
	conn, err := n.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := conn.Control(func(fd uintptr) {
		wd, err = unix.InotifyAddWatch(int(fd), dir, mask|unix.IN_ONLYDIR)
	}); failed != nil {
		return 0, failed
	}
	if err != nil {
		return 0, &os.PathError{Op: "watch", Path: dir, Err: err}
	}
	return wd, nil
}

// scan watches the directory of every container. One that cannot be watched is
// gone or one too many; its own notices still come.
func (n *notices) scan() {
	entries, err := os.ReadDir(n.s.RunPath("c"))
	if err != nil {
		return
	}
	for _, e := range entries {
		n.live(e.Name())
	}
}

func (n *notices) live(id string) {
	if wd, err := n.add(n.s.RunPath("c", id), unix.IN_CLOSE_WRITE); err == nil {
		n.lives[wd] = true
	}
}

// read tells the kinds that changed until the instance is closed or ctx done.
func (n *notices) read(ctx context.Context, changed chan<- string) {
	defer close(changed)
	buf := make([]byte, 16<<10)
	for {
		size, err := n.f.Read(buf)
		if err != nil {
			return
		}
		for _, kind := range n.kinds(buf[:size]) {
			select {
			case changed <- kind:
			case <-ctx.Done():
				return
			}
		}
	}
}

// kinds reads a batch of events, each a struct inotify_event: int32 wd; uint32
// mask, cookie, len; and len bytes of name.
func (n *notices) kinds(events []byte) (found []string) {
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int(int32(binary.NativeEndian.Uint32(events)))
		mask := binary.NativeEndian.Uint32(events[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if end > len(events) {
			break
		}
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:end]), "\x00")
		events = events[end:]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0: // anything may have changed
			n.scan()
			found = append(found, kinds...)
		case mask&unix.IN_IGNORED != 0:
			delete(n.lives, wd)
		case wd == n.changes:
			found = add(found, filepath.Base(name))
		case wd == n.runs:
			n.live(name)
		case n.lives[wd] && name == lockName:
			found = add(found, Containers)
		}
	}
	return found
}
