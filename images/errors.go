package images

import "fmt"

// said is an error with a text that is complete by itself, and a sentinel for
// errors.Is.
type said struct {
	text string
	is   error
}

func (e *said) Error() string { return e.text }
func (e *said) Unwrap() error { return e.is }

// say makes an error that is a sentinel without repeating its text.
func say(is error, format string, args ...any) error {
	return &said{fmt.Sprintf(format, args...), is}
}
