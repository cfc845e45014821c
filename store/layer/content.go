package layer

import (
	"archive/tar"
	"crypto/sha256"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// content writes a file's bytes and has them hashed.
func (x *extractor) content(fd int, hdr *tar.Header, ino *inode) error {
	ino.offset = x.in.offset
	if ino.size == 0 {
		ino.sum = emptySum
		return nil
	}
	if sparse(hdr) {
		ino.offset = -1
		return x.sparse(fd, ino)
	}
	for left := ino.size; left > 0; {
		data, err := x.in.take(ino, left)
		if err != nil {
			return x.broken(err)
		}
		if err := x.write(fd, data); err != nil {
			return err
		}
		left -= int64(len(data))
	}
	return nil
}

// nowhere is the file descriptor of content that is only hashed.
const nowhere = -1

func (x *extractor) write(fd int, data []byte) error {
	if fd == nowhere {
		return nil
	}
	if err := writeAll(fd, data); err != nil {
		return err
	}
	return x.wrote(len(data))
}

// wrote looks at the free space now and then.
func (x *extractor) wrote(n int) error {
	if x.fresh += int64(n); x.fresh < spaceStride {
		return nil
	}
	x.fresh = 0
	return x.limits.space(x.disk.fd)
}

// sparse reports whether the content in the tar is not simply the file's.
func sparse(hdr *tar.Header) bool {
	if hdr.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range hdr.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// sparse writes a file with holes and leaves them holes. archive/tar fills them
// with zeros, so they are found again by looking.
func (x *extractor) sparse(fd int, ino *inode) error {
	h := sha256.New()
	buf := make([]byte, 64<<10)
	var at int64
	for {
		if err := x.in.ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(x.tar, buf)
		if n > 0 {
			h.Write(buf[:n])
			if werr := x.writeUnlessZero(fd, buf[:n], at); werr != nil {
				return werr
			}
			at += int64(n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF && at == ino.size {
			break
		}
		if err != nil {
			return x.broken(err)
		}
	}
	if at != ino.size {
		return invalid("a sparse file of %d bytes has %d", ino.size, at)
	}
	h.Sum(ino.sum[:0])
	if fd == nowhere {
		return nil
	}
	return unix.Ftruncate(fd, ino.size)
}

func (x *extractor) writeUnlessZero(fd int, data []byte, at int64) error {
	fresh := len(data)
	if fd == nowhere || zero(data) {
		return nil
	}
	for len(data) > 0 {
		n, err := retry(func() (int, error) { return unix.Pwrite(fd, data, at) })
		if err != nil {
			return err
		}
		data, at = data[n:], at+int64(n)
	}
	return x.wrote(fresh)
}

func zero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}
