package layer

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/store"
)

// Limits bound what one layer may cost, whatever its tar claims.
type Limits struct {
	Bytes    int64 // of the tar, and separately of the files it unpacks to
	Entries  int   // headers in the tar and directories they imply
	FreePart int64 // refuse while fewer than 1/FreePart of the blocks are free
}

// DefaultLimits are those of Open.
var DefaultLimits = Limits{Bytes: 20e9, Entries: 1_000_000, FreePart: 20}

// Limits of Linux itself, checked before a system call so that the error can
// name the entry. symlinkSteps bounds the work a tar can cause by sending names
// through long chains of symbolic links.
const (
	maxName      = 255
	maxPath      = unix.PathMax - 1
	maxXattrs    = 128
	maxXattrName = 255
	maxXattrSize = 64 << 10
	maxSymlinks  = 40
	symlinkSteps = 50_000_000
	spaceStride  = 64 << 20
)

// invalid is the error for a tar that cannot be a layer.
func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, store.ErrInvalid)...)
}

// checkName refuses names no Linux file can have.
func checkName(name string) error {
	if len(name) > maxPath {
		return invalid("a name of %d bytes (limit %d)", len(name), maxPath)
	}
	for rest := name; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if len(part) > maxName {
			return invalid("%.40q…: a name of %d bytes (limit %d)", part, len(part), maxName)
		}
	}
	if strings.IndexByte(name, 0) >= 0 {
		return invalid("%q: a zero byte in the name", name)
	}
	return nil
}

// space refuses to go on when the file system of fd is nearly full: others
// write there too, and a full disk breaks more than one pull.
func (l Limits) space(fd int) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return err
	}
	if l.FreePart > 0 && st.Bavail < st.Blocks/uint64(l.FreePart) {
		return fmt.Errorf("%d %% of the disk is free, %d %% must stay so: %w",
			st.Bavail*100/max(st.Blocks, 1), 100/l.FreePart, unix.ENOSPC)
	}
	return nil
}
