package store

import "fmt"

// maxName bounds names and lock keys well below the 255 bytes of a file name,
// so that suffixes and temporary names fit.
const maxName = 200

// CheckID returns an error that is ErrInvalid unless id may name an object:
// [a-zA-Z0-9][a-zA-Z0-9_.-]*. Such a name cannot leave its directory.
func CheckID(id string) error { return checkName(id, "_.-") }

// checkName allows letters and digits, and further characters after the first.
func checkName(name, further string) error {
	if name == "" {
		return fmt.Errorf("a name is empty: %w", ErrInvalid)
	}
	if len(name) > maxName {
		return fmt.Errorf("name %.20q… is longer than %d bytes: %w", name, maxName, ErrInvalid)
	}
	for i := range len(name) {
		if alphanumeric(name[i]) || i > 0 && contains(further, name[i]) {
			continue
		}
		return fmt.Errorf("name %q must match [a-zA-Z0-9][a-zA-Z0-9%s]*: %w", name, further, ErrInvalid)
	}
	return nil
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func contains(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}
