package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gantry/internal/atomicfile"
	"gantry/internal/flock"
)

// PartSuffix ends the names of interrupted downloads in Tmp, which are kept so
// that the next pull can resume them.
const PartSuffix = ".part"

// How long leftovers stay although nobody holds them. A wrong clock costs a
// repeated write or download, nothing else.
const (
	partAge = 7 * 24 * time.Hour
	tempAge = time.Hour
)

// tempDirs are the places, relative to Root and Run, where files are replaced
// whole and a crash may leave a temporary one.
var (
	rootTempDirs = []string{".", "networks", "volumes", "containers/*", "layers/*"}
	runTempDirs  = []string{"intents", "c/*"}
)

// SweepTemp removes what crashed processes left in Tmp, and temporary files
// beside records. Content in Tmp belongs to its maker while the maker holds Use
// or has flocked the entry itself; interrupted downloads nobody holds stay for
// a week. While anyone uses the store nothing in Tmp is touched.
func (s *Store) SweepTemp(ctx context.Context) error {
	if err := s.Writable(); err != nil {
		return err
	}
	return errors.Join(s.sweepTmp(ctx), s.sweepBeside(ctx))
}

func (s *Store) sweepTmp(ctx context.Context) error {
	entries, err := os.ReadDir(s.Tmp())
	if err != nil || len(entries) == 0 {
		return err
	}
	l, err := flock.Try(s.storeLock(), flock.Exclusive)
	if errors.Is(err, flock.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Unlock()
	// List again: what came and stayed before we had the lock.
	if entries, err = os.ReadDir(s.Tmp()); err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(s.Tmp(), e.Name())
		if filepath.Ext(path) == PartSuffix && !older(path, partAge) {
			continue
		}
		errs = append(errs, removeUnheld(path))
	}
	return errors.Join(errs...)
}

// removeUnheld removes path unless somebody has flocked it.
func removeUnheld(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.IsDir() || fi.Mode().IsRegular() {
		if held, err := flock.Held(path); held || err != nil {
			return err
		}
	}
	return os.RemoveAll(path)
}

func (s *Store) sweepBeside(ctx context.Context) error {
	var errs []error
	sweep := func(base string, dirs []string) {
		for _, dir := range dirs {
			// The only error of Glob is a bad pattern, and ours are constant.
			found, _ := filepath.Glob(filepath.Join(base, dir, atomicfile.TempPrefix+"*"))
			for _, path := range found {
				if ctx.Err() == nil && older(path, tempAge) {
					errs = append(errs, os.Remove(path))
				}
			}
		}
	}
	sweep(s.root, rootTempDirs)
	sweep(s.run, runTempDirs)
	return errors.Join(append(errs, ctx.Err())...)
}

// older reports whether path was last written more than age ago, or in the
// future.
func older(path string, age time.Duration) bool {
	fi, err := os.Lstat(path)
	if err != nil {
		return false
	}
	since := time.Since(fi.ModTime())
	return since > age || since < -age
}
