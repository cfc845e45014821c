package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	paxXattr    = "SCHILY.xattr."
	opaqueXattr = "trusted.overlay.opaque"
)

// overlayXattr reports whether overlayfs takes an attribute as an instruction.
// Such attributes never pass from a tar to the disk or from the disk to a tar:
// one of them can make a file show any content of a lower layer.
func overlayXattr(key string) bool {
	return strings.HasPrefix(key, "trusted.overlay.") || strings.HasPrefix(key, "user.overlay.")
}

// xattrsOf returns the attributes an entry asks for and may have.
func xattrsOf(hdr *tar.Header) (map[string]string, error) {
	var out map[string]string
	for record, value := range hdr.PAXRecords {
		key, ok := strings.CutPrefix(record, paxXattr)
		if !ok || overlayXattr(key) {
			continue
		}
		if key == "" || len(key) > maxXattrName || len(value) > maxXattrSize || strings.IndexByte(key, 0) >= 0 {
			return nil, invalid("extended attribute %.40q of %d bytes", key, len(value))
		}
		if out == nil {
			out = make(map[string]string)
		}
		if out[key] = value; len(out) > maxXattrs {
			return nil, invalid("more than %d extended attributes", maxXattrs)
		}
	}
	return out, nil
}

// xattrError forgives what other engines forgive: a file system without the
// attribute, user attributes where Linux has none, a label of another policy.
func xattrError(key string, typ byte, err error) error {
	switch {
	case err == nil || errors.Is(err, unix.ENOTSUP):
		return nil
	case errors.Is(err, unix.EPERM) && strings.HasPrefix(key, "user.") && typ != tar.TypeReg && typ != tar.TypeDir:
		return nil
	case errors.Is(err, unix.EINVAL) && key == "security.selinux":
		return nil
	}
	return fmt.Errorf("extended attribute %q: %w", key, err)
}

// readXattrs returns the attributes of a file by a path that does not follow
// its last component, without those of overlayfs.
func readXattrs(proc string) (map[string]string, error) {
	names, err := listXattrs(proc)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	out := make(map[string]string, len(names))
	for _, key := range names {
		if overlayXattr(key) {
			continue
		}
		value, ok, err := readXattr(proc, key)
		if err != nil {
			return nil, err
		}
		if ok {
			out[key] = value
		}
	}
	return out, nil
}

func listXattrs(proc string) ([]string, error) {
	size, err := unix.Llistxattr(proc, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && size == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	buf := make([]byte, size)
	size, err = unix.Llistxattr(proc, buf)
	if errors.Is(err, unix.ERANGE) { // overlayfs counts anew, or one came
		buf = make([]byte, maxXattrSize)
		size, err = unix.Llistxattr(proc, buf)
	}
	if err != nil || size == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(buf[:size]), "\x00"), "\x00"), nil
}

// readXattr reports false for an attribute the file does not have.
func readXattr(proc, key string) (string, bool, error) {
	var small [256]byte
	buf := small[:]
	n, err := unix.Lgetxattr(proc, key, buf)
	if errors.Is(err, unix.ERANGE) {
		buf = make([]byte, maxXattrSize)
		n, err = unix.Lgetxattr(proc, key, buf)
	}
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return string(buf[:n]), true, nil
}
