package engine

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"syscall"
)

// Exit codes of a command that runs a container, as scripts expect them.
const (
	ExitEngine      = 125 // the engine could not do it
	ExitInterrupted = 130 // the caller was interrupted: 128 + SIGINT
	ExitUnknown     = 255 // a process ended and nobody knows how
)

// hints is what to do next, by what went wrong; the first that fits counts.
var hints = []struct {
	is   error
	hint string
}{
	{ErrReadOnly, "this store was written by a newer gantry: use that one, or another --root"},
	{ErrDamaged, "verify says what is damaged and verify --repair mends what can be; else pull or make it again"},
	{ErrLocked, "another gantry process is working on it: try again when it is done"},
	{ErrExists, "choose another name, or remove what has it"},
	{ErrInUse, "see who uses it with ps -a; -f removes it all the same"},
	{ErrNotFound, "list what is there with images and ps -a"},
	{syscall.ENOSPC, "the disk is full: remove images and containers that are not needed"},
	{syscall.EDQUOT, "the disk quota is used up: remove images and containers that are not needed"},
	{syscall.EROFS, "the file system is read-only: use another --root"},
	{syscall.EADDRINUSE, "choose another host port, or stop what listens there"},
	{syscall.ECONNREFUSED, "nothing answers there: check the registry's address and port"},
	{fs.ErrPermission, "run gantry as root"},
	{context.DeadlineExceeded, "it took too long: check the network and try again"},
}

// hinter is an error that knows what to do next.
type hinter interface{ Hint() string }

// Hint says in one line what to do about err, or returns "".
func Hint(err error) string {
	var own hinter
	if errors.As(err, &own) {
		return own.Hint()
	}
	for _, h := range hints {
		if errors.Is(err, h.is) {
			return h.hint
		}
	}
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(err, &dns):
		return "the name does not resolve: check its spelling and the network"
	case errors.As(err, &unknown), errors.As(err, &host):
		return "the registry's certificate is not trusted: install its CA, or pull with --insecure"
	}
	return ""
}

// coder is an error that fixes the exit code: a container that could not start
// has 126 (not executable), 127 (not found) or 128.
type coder interface{ ExitCode() int }

// ExitCode returns the exit code a command that runs a container ends with when
// err stopped it before the container's process did anything.
func ExitCode(err error) int {
	var own coder
	switch {
	case err == nil:
		return 0
	case errors.As(err, &own) && own.ExitCode() != 0:
		return own.ExitCode()
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitEngine
}
