package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"time"

	"github.com/opencontainers/go-digest"

	"gantry/store"
)

// The index file, version 1. Integers are unsigned varints unless said
// otherwise, s(x) is zigzag, a string is its length and its bytes.
//
//	magic    "gLix"
//	version  1 byte
//	count    of entries, 4 bytes little endian
//	entries  in the order of Compare
//	crc32c   of all before it, 4 bytes little endian
//
//	entry:
//	  shared   bytes the path shares with the one before
//	  rest     string, the other bytes of the path
//	  type     1 byte, the tar type flag
//	  flags    1 byte, of the has… and is… bits below
//	  mode, uid, gid
//	  s(sec), nsec       modification time
//	  size, offset+1     if hasContent; offset 0 is "not in one piece"
//	  sha256             if hasContent, 32 bytes
//	  link               string, if hasLink
//	  major, minor       if hasDevice
//	  n, n × (key, value)  if hasXattrs; strings, by key
//
// A file of 60,000 entries is about 4 MB and decodes in one pass without
// looking back further than the path before.
const (
	indexMagic   = "gLix"
	indexVersion = 1
	indexHead    = len(indexMagic) + 1 + 4
	indexTail    = 4
)

const (
	hasContent = 1 << iota
	hasLink
	hasDevice
	hasXattrs
	isWhiteout
	isOpaque
	isImplied
	isBelow
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Entry is a name in a layer. Where the tar had several entries for a name it
// is the last; names the tar reached through a symbolic link are resolved.
type Entry struct {
	Path     string // from the root, without a slash in front; "." for the root
	Type     byte   // tar type flag: TypeReg, TypeLink, TypeSymlink, TypeDir, …
	Mode     uint32 // permission bits, setuid, setgid, sticky
	UID, GID int
	ModTime  time.Time
	Xattrs   map[string]string

	Size   int64             // of a regular file
	Digest digest.Digest     // of a regular file's content
	Sum    [sha256.Size]byte // the same in binary; only Sums sets it
	Offset int64             // of the content in the uncompressed tar; -1: sparse, not in one piece

	// Link is the target of a symbolic link, as it is, or of a hard link: the
	// path of the entry that describes the file.
	Link         string
	Major, Minor uint32 // of a device

	Whiteout bool // removes the name from the layers below
	Opaque   bool // a directory that hides what the layers below have in it
	Implied  bool // a directory without an entry: its attributes are below's
	Below    bool // a hard link to a file in a layer below
}

// Index is a layer's table of contents, in memory as it is on disk.
type Index struct {
	data  []byte // the entries
	count int
}

// Index reads the index of a layer.
func (s *Store) Index(id digest.Digest) (*Index, error) {
	hex, err := hexOf(id)
	if err != nil {
		return nil, err
	}
	h, err := s.open(hex)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", id, err)
	}
	defer h.close()
	x, err := h.index()
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", id, err)
	}
	return x, nil
}

func (h *handle) index() (*Index, error) {
	data, err := readAt(h.dir, indexName)
	if err != nil {
		return nil, fmt.Errorf("its index (%w) is %w", err, store.ErrDamaged)
	}
	return parseIndex(data)
}

// parseIndex checks the frame of an index; the entries are decoded by All.
func parseIndex(data []byte) (*Index, error) {
	if len(data) < indexHead+indexTail || string(data[:len(indexMagic)]) != indexMagic {
		return nil, fmt.Errorf("its index is not one: %w", store.ErrDamaged)
	}
	if v := data[len(indexMagic)]; v != indexVersion {
		return nil, fmt.Errorf("its index has version %d: %w", v, store.ErrDamaged)
	}
	body, tail := data[:len(data)-indexTail], data[len(data)-indexTail:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(tail) {
		return nil, fmt.Errorf("its index has a wrong checksum: %w", store.ErrDamaged)
	}
	count := binary.LittleEndian.Uint32(data[indexHead-4:])
	return &Index{data: body[indexHead:], count: int(count)}, nil
}

// Len is the number of entries.
func (x *Index) Len() int { return x.count }

// All yields the entries in the order of Compare. An index that cannot be
// decoded ends with an error, which is store.ErrDamaged.
func (x *Index) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c := Cursor{d: decoder{data: x.data}, left: x.count}
		for {
			e, err := c.Next()
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if e == nil || !yield(*e, nil) {
				return
			}
		}
	}
}

// Cursor steps through an index by hand, for who merges several.
type Cursor struct {
	d    decoder
	left int
	e    Entry
}

// Sums returns a cursor whose entries have Sum in place of Digest, which is
// cheaper.
func (x *Index) Sums() *Cursor { return &Cursor{d: decoder{data: x.data, sums: true}, left: x.count} }

// Next returns the next entry, valid until the next call, or nil at the end.
func (c *Cursor) Next() (*Entry, error) {
	if c.left == 0 {
		if len(c.d.data) != 0 {
			return nil, fmt.Errorf("an index longer than its entries: %w", store.ErrDamaged)
		}
		return nil, nil
	}
	c.left--
	c.e = c.d.entry(c.e.Path)
	if c.d.bad {
		return nil, fmt.Errorf("an index entry after %q: %w", c.e.Path, store.ErrDamaged)
	}
	return &c.e, nil
}

// display is the path of an entry as others see it.
func display(full string) string {
	if full == "" {
		return "."
	}
	return full
}
