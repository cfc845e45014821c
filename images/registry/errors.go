package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"gantry/store"
)

// ErrDenied is what a registry says to strangers, also about names that do
// not exist.
var ErrDenied = errors.New("access denied")

// maxErrorBody bounds what is read of an answer that is not a success.
const maxErrorBody = 1 << 20

// Error is a refusal by a registry. Its texts are safe to print.
type Error struct {
	Host    string
	Ref     string
	Status  int
	Code    string // OCI error code, such as MANIFEST_UNKNOWN
	Message string
}

func (e *Error) Error() string {
	switch {
	case e.denied():
		return fmt.Sprintf("%s: %s asks for login (or the name does not exist): gantry login %s", e.Ref, e.Host, e.Host)
	case e.Status == http.StatusNotFound && e.Code == "NAME_UNKNOWN":
		return fmt.Sprintf("%s: %s knows no such repository", e.Ref, e.Host)
	case e.Status == http.StatusNotFound && strings.HasPrefix(e.Ref, "blob "):
		return fmt.Sprintf("%s: %s does not have it", e.Ref, e.Host)
	case e.Status == http.StatusNotFound:
		return fmt.Sprintf("%s: manifest unknown to %s", e.Ref, e.Host)
	}
	text := fmt.Sprintf("%s: %s answered %d %s", e.Ref, e.Host, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

func (e *Error) denied() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// Unwrap sorts refusals into sentinels.
func (e *Error) Unwrap() error {
	switch {
	case e.denied():
		return ErrDenied
	case e.Status == http.StatusNotFound:
		return store.ErrNotFound
	}
	return nil
}

// statusError reads a refusal's body for its reason. Web pages say nothing.
func (r *Repository) statusError(resp *http.Response, what string) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	e := &Error{Host: r.ref.Domain, Ref: what, Status: resp.StatusCode}
	var doc struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(body, &doc) == nil && len(doc.Errors) > 0 {
		e.Code, e.Message = clip(doc.Errors[0].Code), clip(doc.Errors[0].Message)
		return e
	}
	if text := bytes.TrimSpace(body); !bytes.HasPrefix(text, []byte("<")) && !bytes.HasPrefix(text, []byte("{")) {
		e.Message = clip(string(text))
	}
	return e
}
