// Package volume keeps the data of named and anonymous volumes: one directory
// each, volumes/<name>/_data, that outlives the containers that mount it.
package volume

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"

	"gantry/internal/termsafe"
	"gantry/store"
)

var valid = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// dataMode is what a new volume has until an image's content is copied into it.
const dataMode = 0o755

// Path returns where the data of the volume name lies, whether or not it is
// there. The error is ErrInvalid for what cannot name a volume.
func Path(s *store.Store, name string) (string, error) {
	if !valid.MatchString(name) {
		return "", fmt.Errorf("volume name %q: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: %w", termsafe.Line(name), store.ErrInvalid)
	}
	return s.Path(store.Volumes, name, "_data"), nil
}

// AnonymousName returns a new name of 64 hexadecimal digits, by which a volume
// is known to go with its container.
func AnonymousName() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// Anonymous reports whether name is one that AnonymousName makes.
func Anonymous(name string) bool {
	_, err := hex.DecodeString(name)
	return len(name) == 64 && err == nil
}

// Ensure makes the volume name unless it is there.
func Ensure(ctx context.Context, s *store.Store, name string) error {
	path, err := Path(s, name)
	if err != nil {
		return err
	}
	if err := s.Writable(); err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := store.Mkdir(s.Path(store.Volumes, name)); err != nil {
		return err
	}
	if err := os.Mkdir(path, dataMode); err != nil && !os.IsExist(err) {
		return err
	}
	if err := os.Chmod(path, dataMode); err != nil { // whatever the umask
		return err
	}
	s.Changed(store.Volumes)
	return nil
}

// Remove deletes the volume name with its data. Removing what is gone is no
// error. The caller has made sure that no container uses it.
func Remove(ctx context.Context, s *store.Store, name string) error {
	if _, err := Path(s, name); err != nil {
		return err
	}
	if err := s.Writable(); err != nil {
		return err
	}
	if err := os.RemoveAll(s.Path(store.Volumes, name)); err != nil {
		return err
	}
	s.Changed(store.Volumes)
	return nil
}
