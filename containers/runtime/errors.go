package runtime

import (
	"errors"
	"strings"
)

// StartError says why a program did not start and what exit code that is:
// 126 not executable, 127 not found, 125 everything the engine could not do,
// 128 anything else.
type StartError struct {
	Code int
	Err  error
}

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Exit codes of programs that did not start.
const (
	codeEngine        = 125
	codeNotExecutable = 126
	codeNotFound      = 127
	codeUnknown       = 128
)

// asStartError gives err the exit code it stands for and takes libcontainer's
// own words off its front. Errors of the init stage cross a process boundary
// as text, so the text is all there is to go by.
func asStartError(err error) error {
	if err == nil {
		return nil
	}
	var done *StartError
	if errors.As(err, &done) {
		return err
	}
	text := clean(err.Error())
	return &StartError{Code: codeOf(text), Err: &cleaned{text: text, err: err}}
}

func codeOf(text string) int {
	command := strings.HasPrefix(text, "exec: ") || strings.HasPrefix(text, "exec /")
	switch {
	case command && strings.Contains(text, "executable file not found"),
		command && strings.HasSuffix(text, "no such file or directory"),
		command && strings.HasSuffix(text, "not a directory"):
		return codeNotFound
	case command && (strings.HasSuffix(text, "permission denied") ||
		strings.HasSuffix(text, "is a directory") ||
		strings.HasSuffix(text, "exec format error")):
		return codeNotExecutable
	case command:
		return codeUnknown
	}
	return codeEngine
}

// cleaned shows the text without the library's prefixes and keeps the chain.
type cleaned struct {
	text string
	err  error
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.err }

// noise is what libcontainer puts before the words a person needs.
var noise = [...]string{
	"unable to start container process: ",
	"unable to create new parent process: ",
	"error during container init: ",
	"error executing setns process: ",
	"error preparing rootfs: ",
	"runc create failed: ",
	"runc init error(s): ",
}

func clean(text string) string {
	for again := true; again; {
		again = false
		for _, n := range noise {
			if rest, ok := strings.CutPrefix(text, n); ok {
				text, again = rest, true
			}
		}
	}
	if rest, ok := strings.CutPrefix(text, "chdir to cwd ("); ok {
		dir, why, _ := strings.Cut(rest, ") set in config.json failed: ")
		return "working directory " + dir + ": " + why
	}
	return text
}
