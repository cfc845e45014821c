package keymap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Path is where the user's keys are: keys.json beside the config file that
// $GANTRY_CONFIG names, or in the user's configuration directory.
func Path() string {
	if file := os.Getenv("GANTRY_CONFIG"); file != "" {
		return filepath.Join(filepath.Dir(file), "keys.json")
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "gantry", "keys.json")
}

// Load returns the table with the keys of the file at path, a JSON object that
// maps action names to a key or a list of keys. Without such a file it is the
// default table. On error it is the default table too, beside the error, so
// that a bad file never locks anyone out.
func Load(path string) (*Map, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" {
		return Default(), nil
	}
	if err != nil {
		return Default(), err
	}
	overrides, err := parse(data)
	if err != nil {
		return Default(), fmt.Errorf("%s: %w", path, err)
	}
	m, err := New(overrides)
	if err != nil {
		return Default(), fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parse(data []byte) (map[Action][]string, error) {
	var raw map[Action]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	out := make(map[Action][]string, len(raw))
	for action, value := range raw {
		keys, err := parseKeys(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", action, err)
		}
		out[action] = keys
	}
	return out, nil
}

func parseKeys(value json.RawMessage) ([]string, error) {
	var keys []string
	if err := json.Unmarshal(value, &keys); err != nil {
		var one string
		if json.Unmarshal(value, &one) != nil {
			return nil, errors.New("want a key or a list of keys")
		}
		keys = []string{one}
	}
	for i, key := range keys {
		if key == "" {
			return nil, errors.New("a key is empty")
		}
		keys[i] = normal(key)
	}
	return keys, nil
}

// normal accepts the shown form too: ctrl-s is ctrl+s.
func normal(key string) string {
	if key == " " {
		return "space"
	}
	for _, mod := range []string{"ctrl-", "alt-", "shift-"} {
		if strings.HasPrefix(key, mod) {
			return mod[:len(mod)-1] + "+" + normal(key[len(mod):])
		}
	}
	return key
}
