package headless

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
)

// functions are Docker's, for --format.
func functions() template.FuncMap {
	return template.FuncMap{
		"json":     compactJSON,
		"split":    strings.Split,
		"join":     join,
		"title":    title,
		"lower":    strings.ToLower,
		"upper":    strings.ToUpper,
		"pad":      pad,
		"truncate": truncate,
	}
}

// headerFunctions leave a column's title as it is.
func headerFunctions() template.FuncMap {
	same := func(s string, _ ...any) string { return s }
	return template.FuncMap{"json": same, "split": same, "join": same, "title": same, "lower": same, "upper": same,
		"truncate": same, "pad": pad}
}

// parseTemplate reads a --format value. \t and \n may be written as such, since
// shells make the real ones hard to type.
func parseTemplate(format string) (*template.Template, error) {
	format = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(format)
	t, err := template.New("").Funcs(functions()).Parse(format)
	if err != nil {
		return nil, fmt.Errorf("template parsing error: %w", err)
	}
	return t, nil
}

func compactJSON(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(b.String()), err
}

func join(list any, sep string) (string, error) {
	v := reflect.ValueOf(list)
	var words []string
	switch v.Kind() {
	case reflect.Invalid:
		return "", nil
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			words = append(words, fmt.Sprint(v.Index(i).Interface()))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			words = append(words, fmt.Sprint(v.MapIndex(key).Interface()))
		}
		slices.Sort(words)
	default:
		return "", fmt.Errorf("expected slice, got %T", list)
	}
	return strings.Join(words, sep), nil
}

// title capitalises each word.
func title(s string) string {
	words := strings.SplitAfter(s, " ")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

func pad(s string, before, after int) string {
	if s == "" {
		return s
	}
	return strings.Repeat(" ", max(before, 0)) + s + strings.Repeat(" ", max(after, 0))
}

func truncate(s string, length int) string {
	if length < 0 || len(s) < length {
		return s
	}
	return s[:length]
}
