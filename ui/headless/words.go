package headless

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// none stands for a name that is not there.
const none = "<none>"

// createdLayout is how Docker prints a point in time in listings.
const createdLayout = "2006-01-02 15:04:05 -0700 MST"

func shortID(id string) string {
	_, hex, found := strings.Cut(id, ":")
	if !found {
		hex = id
	}
	return hex[:min(12, len(hex))]
}

// ago is "2 minutes ago", or "N/A" for a time that never was.
func ago(now, t time.Time) string {
	if t.IsZero() || t.Unix() <= 0 {
		return "N/A"
	}
	return units.HumanDuration(max(now.Sub(t), 0)) + " ago"
}

// ellipsis shortens s to at most width characters.
func ellipsis(s string, width int) string {
	letters := []rune(s)
	if len(letters) <= width {
		return s
	}
	return string(letters[:width-1]) + "…"
}

// splitName divides repository:tag.
func splitName(name string) (repository, tag string) {
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 || strings.ContainsRune(name[colon:], '/') {
		return name, ""
	}
	return name[:colon], name[colon+1:]
}

// tagged adds the tag latest to a name that has neither tag nor digest.
func tagged(name string) string {
	if _, tag := splitName(name); tag != "" || strings.Contains(name, "@") {
		return name
	}
	return name + ":latest"
}

// labelList is a=b,c=d in order.
func labelList(labels map[string]string) string {
	list := make([]string, 0, len(labels))
	for key, value := range labels {
		list = append(list, key+"="+value)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// filters are --filter values by key.
type filters map[string][]string

// parseFilters reads key=value and refuses keys that are not known.
func parseFilters(list []string, known ...string) (filters, error) {
	f := filters{}
	for _, item := range list {
		key, value, given := strings.Cut(item, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !given {
			return nil, fmt.Errorf("invalid filter '%s': expected <key>=<value>", item)
		}
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("invalid filter '%s': known are %s", key, strings.Join(known, ", "))
		}
		f[key] = append(f[key], strings.TrimSpace(value))
	}
	return f, nil
}

// any reports whether a key is not filtered by, or match accepts one of its
// values.
func (f filters) any(key string, match func(value string) bool) bool {
	values, filtered := f[key]
	return !filtered || slices.ContainsFunc(values, match)
}

// labels reports whether all label filters hold; key alone asks for any value.
func (f filters) labels(labels map[string]string) bool {
	for _, want := range f["label"] {
		key, value, given := strings.Cut(want, "=")
		if got, has := labels[key]; !has || given && got != value {
			return false
		}
	}
	return true
}
