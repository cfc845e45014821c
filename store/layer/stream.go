package layer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"gantry/store"
)

// The tar passes through a few large blocks that circulate:
//
//	      fill             parse, write files           hash
//	src ───────► cur block ──────────────────► sent to ─────► whole (diff-id)
//	 ▲                                            └─────────► files (digests)
//	 └───────────────── free ◄──────────────────── both done ◄┘
//
// Nothing is copied on the way: content goes from the block to write(2) and to
// the hashes. Memory is blockCount × blockSize whatever the tar holds.
const (
	blockSize  = 256 << 10
	blockCount = 8
)

// segment is a part of one file's content within a block; last ends the file.
type segment struct {
	ino      *inode
	from, to int
	last     bool
}

type block struct {
	buf  []byte
	n    int
	segs []segment
	busy atomic.Int32 // hashes that have yet to read it
}

// stream reads a tar for two readers at once: archive/tar, which sees a plain
// io.Reader, and take, which hands out the content of the current file without
// copying. What take handed out is owed to archive/tar, which skips it as
// padding; Read pretends to supply it.
type stream struct {
	ctx    context.Context
	src    io.Reader
	limit  int64
	cur    *block
	pos    int   // in cur
	offset int64 // in the tar, of the next byte not yet taken
	owed   int64
	total  int64 // bytes read from src
	err    error // of src, sticky

	free, whole, files chan *block
	hashes             sync.WaitGroup
	sum                [sha256.Size]byte // valid after finish
}

func newStream(ctx context.Context, src io.Reader, limit int64) *stream {
	s := &stream{
		ctx: ctx, src: src, limit: limit,
		free:  make(chan *block, blockCount),
		whole: make(chan *block, blockCount),
		files: make(chan *block, blockCount),
	}
	for range blockCount {
		s.free <- &block{}
	}
	s.hashes.Go(s.hashWhole)
	s.hashes.Go(s.hashFiles)
	return s
}

func (s *stream) hashWhole() {
	h := sha256.New()
	for b := range s.whole {
		h.Write(b.buf[:b.n])
		s.release(b)
	}
	h.Sum(s.sum[:0])
}

func (s *stream) hashFiles() {
	h := sha256.New()
	for b := range s.files {
		for _, seg := range b.segs {
			h.Write(b.buf[seg.from:seg.to])
			if seg.last {
				h.Sum(seg.ino.sum[:0])
				h.Reset()
			}
		}
		s.release(b)
	}
}

func (s *stream) release(b *block) {
	if b.busy.Add(-1) == 0 {
		s.free <- b
	}
}

// fill makes sure that cur has unread bytes, or returns the error of src.
func (s *stream) fill() error {
	if s.cur != nil && s.pos < s.cur.n {
		return nil
	}
	if s.err != nil {
		return s.err
	}
	if s.err = s.ctx.Err(); s.err != nil {
		return s.err
	}
	s.pass()
	b := <-s.free
	if b.buf == nil {
		b.buf = make([]byte, blockSize)
	}
	b.segs, s.pos, s.cur = b.segs[:0], 0, b
	b.n, s.err = io.ReadFull(s.src, b.buf)
	if s.err == io.ErrUnexpectedEOF {
		s.err = io.EOF
	}
	s.total += int64(b.n)
	if s.total > s.limit {
		s.err = fmt.Errorf("the layer's tar is larger than %d bytes: %w", s.limit, store.ErrInvalid)
		return s.err
	}
	if b.n == 0 {
		return s.err
	}
	return nil
}

// pass sends cur to the hashes.
func (s *stream) pass() {
	if s.cur == nil {
		return
	}
	s.cur.busy.Store(2)
	s.whole <- s.cur
	s.files <- s.cur
	s.cur = nil
}

// Read is for archive/tar.
func (s *stream) Read(p []byte) (int, error) {
	if s.owed > 0 {
		n := int(min(int64(len(p)), s.owed))
		s.owed -= int64(n)
		return n, nil
	}
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.cur.buf[s.pos:s.cur.n])
	s.pos += n
	s.offset += int64(n)
	return n, nil
}

// take returns up to limit bytes of the content of ino, the last of it when
// limit is reached. The slice is valid until the next call on s.
func (s *stream) take(ino *inode, limit int64) ([]byte, error) {
	if err := s.fill(); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := int(min(limit, int64(s.cur.n-s.pos)))
	data := s.cur.buf[s.pos : s.pos+n]
	s.cur.segs = append(s.cur.segs, segment{ino, s.pos, s.pos + n, int64(n) == limit})
	s.pos += n
	s.offset += int64(n)
	s.owed += int64(n)
	return data, nil
}

// drain reads what follows the end of the archive: it belongs to the diff-id.
func (s *stream) drain() error {
	for {
		err := s.fill()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		s.pos = s.cur.n
	}
}

// finish waits for the hashes. Nothing may be read afterwards.
func (s *stream) finish() {
	s.pass()
	close(s.whole)
	close(s.files)
	s.hashes.Wait()
}
