// Package atomicfile replaces files whole: a reader sees the old content or the
// new, never a part, and a crash leaves at most a temporary file beside it.
package atomicfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Durability says what a write must survive.
type Durability int

const (
	// Crash survives the death of any process: rename alone.
	Crash Durability = iota
	// PowerCut also survives the death of the machine: the file and its
	// directory are synced around the rename.
	PowerCut
)

// TempPrefix starts the name of every temporary file this package makes, so
// that a sweep can tell them from content.
const TempPrefix = ".tmp-"

// Write replaces path with data. On error path keeps its former content.
func Write(path string, data []byte, perm fs.FileMode, d Durability) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, TempPrefix+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(perm); err != nil {
		return err
	}
	if d == PowerCut {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if d == PowerCut {
		return SyncDir(dir)
	}
	return nil
}

// WriteJSON replaces path with v as JSON and a final newline.
func WriteJSON(path string, v any, perm fs.FileMode, d Durability) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return Write(path, append(data, '\n'), perm, d)
}

// SyncDir flushes the entries of a directory, so that a rename in it lasts.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// IsTemp reports whether name was made by Write and may be swept.
func IsTemp(name string) bool { return strings.HasPrefix(name, TempPrefix) }
