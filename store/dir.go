package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// dirMode keeps other users out of everything below.
const dirMode fs.FileMode = 0o700

// Mkdir makes path, and what is missing above it, with mode 0700 whatever the
// umask. A directory that is there already is left as it is.
func Mkdir(path string) error {
	err := os.Mkdir(path, dirMode)
	switch {
	case err == nil:
		// The umask may have taken bits away.
		return os.Chmod(path, dirMode)
	case errors.Is(err, fs.ErrNotExist):
		if err := Mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		return Mkdir(path)
	case errors.Is(err, fs.ErrExist):
		return isDir(path)
	default:
		return err
	}
}

func isDir(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	return nil
}

// private makes sure that nobody else can look into an existing directory.
func private(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	if fi.Mode().Perm() == dirMode {
		return nil
	}
	if err := os.Chmod(path, dirMode); err != nil {
		return fmt.Errorf("%s is open to other users: %w", path, err)
	}
	return nil
}
