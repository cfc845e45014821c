package layer

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
)

// writeIndex writes the index of the sorted nodes. The root is in it when the
// tar said anything about it.
func writeIndex(path string, nodes []*node) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return encodeIndex(f, nodes)
}

func encodeIndex(f io.Writer, nodes []*node) error {
	if root := nodes[0]; root.implied && !root.opaque {
		nodes = nodes[1:]
	}
	e := encoder{sum: crc32.New(castagnoli)}
	e.w = bufio.NewWriterSize(io.MultiWriter(f, e.sum), 64<<10)
	e.buf = append(append(e.buf, indexMagic...), indexVersion)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(len(nodes)))
	for _, n := range nodes {
		e.entry(n)
	}
	if err := e.flush(); err != nil {
		return err
	}
	if err := e.w.Flush(); err != nil {
		return err
	}
	_, err := f.Write(binary.LittleEndian.AppendUint32(nil, e.sum.Sum32()))
	return err
}

type encoder struct {
	w    *bufio.Writer
	sum  hash.Hash32
	buf  []byte // of one entry
	last string
}

func (e *encoder) flush() error {
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

func (e *encoder) uint(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) entry(n *node) {
	_ = e.flush() // the writer keeps the error for the last flush
	ino, typ, link := n.ino, n.ino.typ, n.ino.link
	if ino.primary != n && typ != tar.TypeLink {
		typ, link = tar.TypeLink, ino.primary.path
	}
	flags := flagsOf(n, typ, link)
	path := display(n.path)
	shared := sharedPrefix(e.last, path)
	e.last = path
	e.uint(uint64(shared))
	e.string(path[shared:])
	e.buf = append(e.buf, typ, flags)
	e.uint(uint64(ino.mode))
	e.uint(uint64(ino.uid))
	e.uint(uint64(ino.gid))
	e.buf = binary.AppendVarint(e.buf, ino.sec)
	e.uint(uint64(ino.nsec))
	if flags&hasContent != 0 {
		e.uint(uint64(ino.size))
		e.uint(uint64(ino.offset + 1))
		e.buf = append(e.buf, ino.sum[:]...)
	}
	if flags&hasLink != 0 {
		e.string(link)
	}
	if flags&hasDevice != 0 {
		e.uint(uint64(ino.major))
		e.uint(uint64(ino.minor))
	}
	if flags&hasXattrs != 0 {
		e.uint(uint64(len(ino.xattrs)))
		for _, key := range slices.Sorted(maps.Keys(ino.xattrs)) {
			e.string(key)
			e.string(ino.xattrs[key])
		}
	}
}

func flagsOf(n *node, typ byte, link string) (flags byte) {
	set := func(bit byte, on bool) {
		if on {
			flags |= bit
		}
	}
	set(hasContent, typ == tar.TypeReg)
	set(hasLink, link != "")
	set(hasDevice, typ == tar.TypeChar || typ == tar.TypeBlock)
	set(hasXattrs, len(n.ino.xattrs) > 0)
	set(isWhiteout, n.ino.whiteout)
	set(isOpaque, n.opaque)
	set(isImplied, n.implied)
	set(isBelow, n.ino.typ == tar.TypeLink)
	return flags
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// decoder reads entries. It never panics: what it cannot read sets bad.
type decoder struct {
	data []byte
	bad  bool
	sums bool // set Sum, not Digest
	path []byte
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.data)) {
		d.bad = true
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) string() string { return string(d.bytes(d.uint())) }

// entry decodes the next entry; before is the path of the one before.
func (d *decoder) entry(before string) Entry {
	shared := d.uint()
	if shared > uint64(len(before)) {
		d.bad = true
		return Entry{Path: before}
	}
	d.path = append(append(d.path[:0], before[:shared]...), d.bytes(d.uint())...)
	e := Entry{Path: string(d.path)}
	head := d.bytes(2)
	if d.bad {
		return e
	}
	flags := head[1]
	e.Type = head[0]
	e.Mode, e.UID, e.GID = uint32(d.uint()), int(d.uint()), int(d.uint())
	sec := d.int()
	e.ModTime = time.Unix(sec, int64(d.uint()))
	if flags&hasContent != 0 {
		e.Size, e.Offset = int64(d.uint()), int64(d.uint())-1
		if sum := d.bytes(sha256.Size); d.sums {
			copy(e.Sum[:], sum)
		} else {
			e.Digest = digestOf(sum)
		}
	}
	if flags&hasLink != 0 {
		e.Link = d.string()
	}
	if flags&hasDevice != 0 {
		e.Major, e.Minor = uint32(d.uint()), uint32(d.uint())
	}
	if flags&hasXattrs != 0 {
		e.Xattrs = d.xattrs()
	}
	e.Whiteout, e.Opaque = flags&isWhiteout != 0, flags&isOpaque != 0
	e.Implied, e.Below = flags&isImplied != 0, flags&isBelow != 0
	return e
}

func (d *decoder) xattrs() map[string]string {
	out := make(map[string]string)
	for range d.uint() {
		key := d.string()
		out[key] = d.string()
		if d.bad {
			break
		}
	}
	return out
}

const hexDigits = "0123456789abcdef"

// digestOf is digest.NewDigestFromBytes with a single allocation.
func digestOf(sum []byte) digest.Digest {
	const prefix = "sha256:"
	var text [len(prefix) + 64]byte
	if len(sum) != 32 {
		return ""
	}
	copy(text[:], prefix)
	for i, b := range sum {
		text[len(prefix)+2*i] = hexDigits[b>>4]
		text[len(prefix)+2*i+1] = hexDigits[b&15]
	}
	return digest.Digest(text[:])
}
