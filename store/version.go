package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gantry/internal/atomicfile"
)

// layoutVersion is the layout this program writes, and the newest it reads.
const layoutVersion = 1

const versionFile = "version"

// newerError says that a newer Gantry made the store. It is ErrReadOnly.
type newerError struct{ version int }

func (e newerError) Error() string {
	return fmt.Sprintf("store v%d was made by a newer Gantry; this one reads v≤%d", e.version, layoutVersion)
}

func (e newerError) Unwrap() error { return ErrReadOnly }

func readVersion(root string) (int, error) {
	path := filepath.Join(root, versionFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(data)))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s does not hold a number (%.20q): %w", path, data, ErrDamaged)
	}
	return n, nil
}

func writeVersion(root string) error {
	data := []byte(strconv.Itoa(layoutVersion) + "\n")
	return atomicfile.Write(filepath.Join(root, versionFile), data, 0o600, atomicfile.PowerCut)
}

// refuseForeign keeps a mistyped path from turning a directory full of other
// things into a store.
func refuseForeign(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !ours(e.Name()) {
			return fmt.Errorf("%s is not a Gantry store and not empty (it has %q): %w", root, e.Name(), ErrInvalid)
		}
	}
	return nil
}

// ours reports whether a concurrent Open, or one that crashed, may have made
// name in the root.
func ours(name string) bool {
	return name == versionFile || name == "lost+found" || atomicfile.IsTemp(name) ||
		slices.ContainsFunc(rootDirs, func(dir string) bool {
			first, _, _ := strings.Cut(dir, "/")
			return name == first
		})
}

// readBootID returns "" where the kernel does not tell.
func readBootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}

// BootID names the running boot of this machine. What was noted under another
// one is from before a restart.
func (s *Store) BootID() string { return s.bootID() }
