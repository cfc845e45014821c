package layer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/internal/atomicfile"
	"gantry/store"
)

// meta is meta.json. It is the last file written into a layer, so its being
// there and readable says that the unpacking process got to its end; Synced
// says that the disk has everything.
type meta struct {
	Version       int           `json:"version"`
	DiffID        digest.Digest `json:"diff_id"`
	ChainID       digest.Digest `json:"chain_id,omitempty"` // of a variant
	AsIs          bool          `json:"as_is,omitempty"`    // the variant is the layer itself
	Size          int64         `json:"size"`
	Files         int           `json:"files"`
	SelfContained bool          `json:"self_contained"`
	LinksBelow    bool          `json:"links_below,omitempty"` // hard links to files below
	RootOpaque    bool          `json:"root_opaque,omitempty"` // hides every layer below
	Synced        bool          `json:"synced"`
	BootID        string        `json:"boot_id"`
}

const metaVersion = 1

// safe reports whether the files can be trusted without reading them: they
// were flushed, or no power cut can have happened since they were written.
func (m meta) safe(bootID string) bool { return m.Synced || m.BootID == bootID }

// handle is an open layers/<hex>. All access goes through its descriptor: when
// another process replaces the layer meanwhile, what was read and what is
// written still belong to the same directory.
type handle struct{ dir *os.File }

func (s *Store) open(hex string) (*handle, error) {
	dir, err := os.OpenFile(s.dir(hex), os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &handle{dir}, nil
}

func (h *handle) close() { _ = h.dir.Close() }

func (h *handle) path(name string) string {
	return filepath.Join("/proc/self/fd", strconv.Itoa(int(h.dir.Fd())), name)
}

// read returns the record. Anything but a complete one is damage.
func (h *handle) read() (meta, error) {
	var m meta
	data, err := readAt(h.dir, metaName)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return meta{}, fmt.Errorf("its record (%w) is %w", err, store.ErrDamaged)
	}
	if m.Version != metaVersion {
		return meta{}, fmt.Errorf("its record has version %d: %w", m.Version, store.ErrDamaged)
	}
	return m, nil
}

// write replaces the record so that it survives a power cut.
func (h *handle) write(m meta) error {
	return atomicfile.WriteJSON(h.path(metaName), m, 0o600, atomicfile.PowerCut)
}

// readAt reads a file of an open directory.
func readAt(dir *os.File, name string) ([]byte, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, st.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// Sync flushes the file system the layers are on and records for each that it
// survives a power cut. It is meant for the background, after the user has the
// answer. Layers that are synced already cost one small read.
func (s *Store) Sync(ctx context.Context, ids ...digest.Digest) error {
	var pending []digest.Digest
	for _, id := range ids {
		m, err := s.load(ctx, id)
		if err != nil {
			return err
		}
		if !m.Synced {
			pending = append(pending, id)
		}
	}
	if len(pending) == 0 {
		return nil
	}
	variants, err := s.fresh(pending)
	if err != nil {
		return err
	}
	pending = append(pending, variants...)
	if err := s.root.Writable(); err != nil {
		return fmt.Errorf("syncing layers: %w", err)
	}
	return s.flush(ctx, pending)
}

// fresh returns the chain-ids of unsynced variants that this boot made of the
// given layers.
func (s *Store) fresh(ids []digest.Digest) ([]digest.Digest, error) {
	metas, err := s.metas()
	if err != nil {
		return nil, err
	}
	var out []digest.Digest
	for _, m := range metas {
		if m.ChainID != "" && !m.Synced && m.BootID == s.root.BootID() && slices.Contains(ids, m.DiffID) {
			out = append(out, m.ChainID)
		}
	}
	return out, nil
}

// flush takes its handles before the flush and writes the records through
// them: a layer that is replaced meanwhile is not called synced.
func (s *Store) flush(ctx context.Context, ids []digest.Digest) error {
	handles := make([]*handle, 0, len(ids))
	defer func() {
		for _, h := range handles {
			h.close()
		}
	}()
	for _, id := range ids {
		h, err := s.open(id.Encoded())
		if err != nil {
			return fmt.Errorf("layer %s: %w", id, err)
		}
		handles = append(handles, h)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := unix.Syncfs(int(handles[0].dir.Fd())); err != nil {
		return fmt.Errorf("flushing layers: %w", err)
	}
	for i, h := range handles {
		m, err := h.read()
		if err != nil {
			return fmt.Errorf("layer %s: %w", ids[i], err)
		}
		m.Synced, m.BootID = true, s.root.BootID()
		if err := h.write(m); err != nil {
			return fmt.Errorf("layer %s: %w", ids[i], err)
		}
	}
	return atomicfile.SyncDir(s.root.Path("layers"))
}
