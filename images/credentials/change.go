package credentials

import (
	"context"
	"encoding/json"
	"fmt"
)

// PlainError says that there is no place for a secret but a readable file, and
// that nobody asked for that.
type PlainError struct{ Path string }

func (e *PlainError) Error() string {
	return fmt.Sprintf("no credential helper is configured in %s, so the password would be stored there as plain text", e.Path)
}

// Hint says what to do.
func (e *PlainError) Hint() string {
	return `set "credsStore" there to an installed docker-credential-… helper, or allow it with --plain-text-storage`
}

// Place is where a registry's credential is kept.
type Place struct {
	Path   string // config.json
	Helper string // the helper's program; "" is Path itself, readable
}

// PlaceFor says where a registry's credential would be stored. Without a helper
// that is config.json, if it has such already or plainText asks for it.
func (s *Store) PlaceFor(registry string, plainText bool) (Place, error) {
	f, err := read(s.path)
	if err != nil {
		return Place{}, err
	}
	name, _ := f.helper(plain(registry))
	switch {
	case name != "":
		return Place{s.path, program(name)}, nil
	case plainText || f.storesPlain():
		return Place{s.path, ""}, nil
	}
	return Place{}, &PlainError{s.path}
}

// Put stores a registry's credential in its place.
func (s *Store) Put(ctx context.Context, registry string, c Credential, plainText bool) (Place, error) {
	place, err := s.PlaceFor(registry, plainText)
	if err != nil {
		return place, err
	}
	written := c.entry()
	if place.Helper != "" {
		f, err := read(s.path)
		if err != nil {
			return place, err
		}
		name, _ := f.helper(plain(registry))
		if err := s.keep(ctx, name, formal(registry), c); err != nil {
			return place, fmt.Errorf("%s: storing the password: %w", place.Helper, err)
		}
		written = entry{} // notes that there is one
	}
	raw, err := json.Marshal(written)
	if err != nil {
		return place, err
	}
	return place, s.change(ctx, func(auths map[string]json.RawMessage) error {
		forget(auths, registry)
		auths[formal(registry)] = raw
		return nil
	})
}

// Erase forgets a registry's credential and reports whether there was one.
func (s *Store) Erase(ctx context.Context, registry string) (bool, error) {
	f, err := read(s.path)
	if err != nil {
		return false, err
	}
	found := false
	if name, _ := f.helper(plain(registry)); name != "" {
		if found, err = s.drop(ctx, name, formal(registry)); err != nil {
			return false, fmt.Errorf("%s: %w", program(name), err)
		}
	}
	for key := range f.Auths {
		if plain(key) != plain(registry) {
			continue
		}
		return true, s.change(ctx, func(auths map[string]json.RawMessage) error {
			forget(auths, registry)
			return nil
		})
	}
	return found, nil
}

// Elsewhere is a file that is only read and has a credential for the registry,
// or "".
func (s *Store) Elsewhere(registry string) string {
	for _, path := range s.also {
		f, err := read(path)
		if path == "" || err != nil {
			continue
		}
		for key, e := range f.Auths {
			if plain(key) == plain(registry) && !e.empty() {
				return path
			}
		}
	}
	return ""
}

func forget(auths map[string]json.RawMessage, registry string) {
	for key := range auths {
		if plain(key) == plain(registry) {
			delete(auths, key)
		}
	}
}
