package store

import "errors"

// Sentinels every package wraps, so that callers ask errors.Is and never read
// texts. engine aliases them.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
	ErrInUse    = errors.New("in use")
	ErrLocked   = errors.New("locked")
	ErrDamaged  = errors.New("damaged")
	ErrInvalid  = errors.New("invalid")   // the caller's words are wrong
	ErrReadOnly = errors.New("read only") // the store is newer than this program
)
