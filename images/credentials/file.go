package credentials

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gantry/internal/atomicfile"
	"gantry/internal/flock"
)

// file is what we read of a config.json or auth.json.
type file struct {
	path        string
	Auths       map[string]entry  `json:"auths"`
	CredsStore  string            `json:"credsStore"`
	CredHelpers map[string]string `json:"credHelpers"`
}

type entry struct {
	Auth          string `json:"auth,omitempty"`
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	RegistryToken string `json:"registrytoken,omitempty"`
}

// read returns an empty file for one that is not there.
func read(path string) (*file, error) {
	f := &file{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s is not a Docker config: it holds no JSON table", path)
	}
	return f, nil
}

// helper is the program that keeps the credentials of a key, and whether it is
// named for that key alone.
func (f *file) helper(key string) (name string, own bool) {
	for k, helper := range f.CredHelpers {
		if plain(k) == key {
			return helper, true
		}
	}
	return f.CredsStore, false
}

// storesPlain reports whether secrets are in the file already.
func (f *file) storesPlain() bool {
	for _, e := range f.Auths {
		if !e.empty() {
			return f.CredsStore == ""
		}
	}
	return false
}

// change rewrites the auths of config.json and leaves all else in it as it is.
// Other programs see the old file or the new; other processes of ours wait.
func (s *Store) change(ctx context.Context, do func(auths map[string]json.RawMessage) error) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	unlock, err := lockDir(ctx, filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer unlock()
	path := s.path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the link stays
	}
	all := map[string]json.RawMessage{}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(bytes.TrimSpace(data)) > 0:
		if err := json.Unmarshal(data, &all); err != nil || all == nil {
			return fmt.Errorf("%s is not a Docker config and is left as it is: it holds no JSON table", path)
		}
	}
	auths := map[string]json.RawMessage{}
	if raw, ok := all["auths"]; ok {
		if err := json.Unmarshal(raw, &auths); err != nil || auths == nil {
			return fmt.Errorf("%s is left as it is: its auths are no JSON table", path)
		}
	}
	if err := do(auths); err != nil {
		return err
	}
	if all["auths"], err = json.Marshal(auths); err != nil {
		return err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(all); err != nil {
		return err
	}
	return atomicfile.Write(path, out.Bytes(), 0o600, atomicfile.PowerCut)
}

// lockDir keeps our other processes from changing files in dir. The directory
// itself is locked: a lock file beside somebody else's config would be litter.
func lockDir(ctx context.Context, dir string) (func(), error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := flock.TryFile(f, flock.Exclusive)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-t.C:
		}
		t.Stop()
		if !errors.Is(err, flock.ErrLocked) {
			_ = f.Close()
			return nil, fmt.Errorf("locking %s: %w", dir, err)
		}
	}
}

func (c Credential) entry() entry {
	if c.IdentityToken != "" {
		return entry{Auth: base64.StdEncoding.EncodeToString([]byte(c.Username + ":")), IdentityToken: c.IdentityToken}
	}
	return entry{Auth: base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password))}
}
