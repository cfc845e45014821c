package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gantry/internal/atomicfile"
	"gantry/internal/flock"

	"golang.org/x/sys/unix"
)

// Writer appends to a log. It is the only one of its log while it is open. It
// is safe for concurrent use.
type Writer struct {
	dir     string
	cap     int64
	segSize int64
	lock    *flock.Lock
	now     func() time.Time

	mu     sync.Mutex
	f      *os.File // nil before the first frame
	number uint64   // of f, or of the last segment there is
	size   int64    // of f
	sizes  map[uint64]int64
	total  int64
	lines  [2]int // bytes in each stream's unfinished line
	lost   int64
	head   []byte
}

// OpenWriter opens the log in dir for appending, making it when absent. What a
// crash left unfinished is cut off. capBytes bounds the log; 0 is DefaultCap.
func OpenWriter(dir string, capBytes int64) (*Writer, error) {
	if capBytes <= 0 {
		capBytes = DefaultCap
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// A reader that looks whether the log is written holds the lock for a moment.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lock, err := flock.Acquire(ctx, filepath.Join(dir, lockName), flock.Exclusive)
	if err != nil {
		return nil, fmt.Errorf("log is being written: %w", err)
	}
	w := &Writer{
		dir: dir, cap: capBytes, lock: lock, now: time.Now, sizes: map[uint64]int64{},
		segSize: min(segmentSize, max(capBytes/4, 4<<10)),
	}
	if err := w.resume(); err != nil {
		lock.Unlock()
		return nil, err
	}
	return w, nil
}

// resume counts what is there and opens the last segment at its last whole
// frame.
func (w *Writer) resume() error {
	numbers, err := segments(w.dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		fi, err := os.Stat(segmentPath(w.dir, n))
		if err != nil {
			return err
		}
		w.number, w.sizes[n] = n, fi.Size()
		w.total += fi.Size()
	}
	if w.number == 0 {
		return nil
	}
	data, err := os.ReadFile(segmentPath(w.dir, w.number))
	if err != nil {
		return err
	}
	whole := int64(wholeFrames(data))
	f, err := os.OpenFile(segmentPath(w.dir, w.number), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := f.Truncate(whole); err != nil {
		return errors.Join(err, f.Close())
	}
	w.f, w.size = f, whole
	w.total += whole - w.sizes[w.number]
	w.sizes[w.number] = whole
	return nil
}

// Append adds bytes of a stream. On error part of p may be missing from the
// log; what is there stays readable and a later Append may succeed.
func (w *Writer) Append(s Stream, p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lock == nil {
		return os.ErrClosed
	}
	nanos := w.now().UnixNano()
	for len(p) > 0 {
		n := min(len(p), maxFrame, int(w.segSize)/2)
		if err := w.frame(s, nanos, p[:n]); err != nil {
			w.lost += int64(len(p))
			w.lines[s-1] = 0
			return fmt.Errorf("writing the log: %w", err)
		}
		p = p[n:]
	}
	return nil
}

// Lost returns how many bytes errors kept out of the log.
func (w *Writer) Lost() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

func (w *Writer) frame(s Stream, nanos int64, p []byte) error {
	h := header{nanos: nanos, stream: s, size: len(p)}
	open := w.lines[s-1]
	first := bytes.IndexByte(p, '\n') + 1 // bytes that end the open line
	if first == 0 {
		first = len(p)
	}
	switch {
	case open == 0:
	case open+first > maxLine:
		h.how, open = pieces, 0
	default:
		h.how = continues
	}
	if w.f == nil || w.size > 0 && w.size+headerSize+int64(len(p)) > w.segSize {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	w.head = appendHeader(w.head[:0], h)
	if err := w.put(w.head, p); err != nil {
		return err
	}
	if last := bytes.LastIndexByte(p, '\n'); last >= 0 {
		w.lines[s-1] = len(p) - last - 1
	} else {
		w.lines[s-1] = open + len(p)
	}
	return nil
}

// put writes a frame whole or not at all.
func (w *Writer) put(head, p []byte) error {
	want := len(head) + len(p)
	got := 0
	for got < want {
		var iov [][]byte
		if got < len(head) {
			iov = [][]byte{head[got:], p}
		} else {
			iov = [][]byte{p[got-len(head):]}
		}
		n, err := unix.Pwritev(int(w.f.Fd()), iov, w.size+int64(got))
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			err = unix.EIO
		}
		if err != nil {
			return errors.Join(err, w.f.Truncate(w.size))
		}
		got += n
	}
	w.size += int64(want)
	w.total += int64(want)
	w.sizes[w.number] = w.size
	return nil
}

// rotate begins a segment and removes the oldest ones beyond the cap.
func (w *Writer) rotate() error {
	for n := w.oldest(); w.total+w.segSize > w.cap && n != 0; n = w.oldest() {
		if err := os.Remove(segmentPath(w.dir, n)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		w.total -= w.sizes[n]
		delete(w.sizes, n)
	}
	f, err := os.OpenFile(segmentPath(w.dir, w.number+1), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if w.f != nil {
		_ = w.f.Close() // its frames were written without error
	}
	w.f, w.size = f, 0
	w.number++
	w.sizes[w.number] = 0
	return nil
}

func (w *Writer) oldest() uint64 {
	var low uint64
	for n := range w.sizes {
		if low == 0 || n < low {
			low = n
		}
	}
	return low
}

// Sync makes what was written survive a power cut.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.f == nil {
		return nil
	}
	return errors.Join(w.f.Sync(), atomicfile.SyncDir(w.dir))
}

// Close ends the log for now: followers see that nothing more will come.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lock == nil {
		return nil
	}
	w.lock.Unlock() // before the segment closes, which wakes the followers
	w.lock = nil
	if w.f == nil {
		return nil
	}
	err := w.f.Close()
	w.f = nil
	return err
}
