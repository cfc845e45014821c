package store

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"

	"gantry/internal/atomicfile"
)

// IntentRecord lists the kernel objects that an owner is about to make, so that
// whoever finds the owner dead can take them away. Being listed does not mean
// that an object exists. The owner holds $RUN/c/<id>/lock while it lives.
type IntentRecord struct {
	ID               string   `json:"id"`
	Owner            string   `json:"owner,omitempty"` // what made it, for people
	CgroupPaths      []string `json:"cgroupPaths,omitempty"`
	Mounts           []string `json:"mounts,omitempty"`
	Veths            []string `json:"veths,omitempty"`
	NetNS            string   `json:"netNS,omitempty"`
	NftTags          []string `json:"nftTags,omitempty"`
	LibcontainerRoot string   `json:"libcontainerRoot,omitempty"`
}

// Intent is the place of one owner's intent record. It lies in Run: kernel
// objects and the record of them both end with the boot.
type Intent struct {
	s  *Store
	id string
}

// Intent returns the place of the intent record of id.
func (s *Store) Intent(id string) *Intent { return &Intent{s, id} }

// Write replaces the record. It returns before the first object it lists may be
// made.
func (i *Intent) Write(r IntentRecord) error {
	path, err := i.path()
	if err != nil {
		return err
	}
	if err := i.s.Writable(); err != nil {
		return err
	}
	r.ID = i.id
	return atomicfile.WriteJSON(path, r, 0o600, atomicfile.Crash)
}

// Read returns the record, or an error that is ErrNotFound. One that cannot be
// read comes back with its ID alone, which suffices to derive most names.
func (i *Intent) Read() (IntentRecord, error) {
	path, err := i.path()
	if err != nil {
		return IntentRecord{}, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return IntentRecord{}, ErrNotFound
	}
	if err != nil {
		return IntentRecord{}, err
	}
	var r IntentRecord
	if json.Unmarshal(data, &r) != nil {
		r = IntentRecord{}
	}
	r.ID = i.id
	return r, nil
}

// Remove says that nothing listed exists any more. It may be called twice.
func (i *Intent) Remove() error {
	path, err := i.path()
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (i *Intent) path() (string, error) {
	if err := CheckID(i.id); err != nil {
		return "", err
	}
	return i.s.RunPath("intents", i.id+".json"), nil
}

// Intents lists every intent record, of the living and of the dead.
func (s *Store) Intents() ([]IntentRecord, error) {
	entries, err := os.ReadDir(s.RunPath("intents"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []IntentRecord
	for _, e := range entries {
		id, isJSON := strings.CutSuffix(e.Name(), ".json")
		if !isJSON || CheckID(id) != nil {
			continue
		}
		r, err := s.Intent(id).Read()
		if errors.Is(err, ErrNotFound) {
			continue // removed since we listed
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
