package spec

import (
	"errors"
	"slices"
	"strings"
)

// defaultPath is the PATH of a container whose image names none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ is the program's environment: ours first, then the record's, where a
// later entry replaces an earlier one of its name. Entries that are not
// NAME=value are dropped; nothing is ever taken from this process.
func environ(entries []string, hostname, home string, tty bool) ([]string, error) {
	env := []string{"PATH=" + defaultPath, "HOSTNAME=" + hostname}
	if tty {
		env = append(env, "TERM=xterm")
	}
	env = merge(env, entries)
	at := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, "HOME=") })
	if at < 0 {
		return append(env, "HOME="+home), nil
	}
	if strings.ContainsAny(env[at], "\r\n") {
		return nil, errors.New("environment variable HOME: line break in a path")
	}
	return env, nil
}

// merge puts add over env, keeping the order of first appearance.
func merge(env, add []string) []string {
	out := slices.Clone(env)
	for _, e := range add {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" || strings.ContainsRune(e, 0) {
			continue
		}
		same := func(have string) bool { return strings.HasPrefix(have, name+"=") }
		if at := slices.IndexFunc(out, same); at >= 0 {
			out[at] = e
			continue
		}
		out = append(out, e)
	}
	return out
}
