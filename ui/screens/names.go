package screens

import (
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

// ShortID is the first twelve digits of an ID without its algorithm.
func ShortID(id string) string {
	if _, hex, ok := strings.Cut(id, ":"); ok {
		id = hex
	}
	return id[:min(12, len(id))]
}

// splitName cuts an image's name into repository and tag or digest.
func splitName(name string) (repo, tag string) {
	if repo, digest, ok := strings.Cut(name, "@"); ok {
		return repo, "@" + ShortID(digest)
	}
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[:i], name[i+1:]
	}
	return name, ""
}

func oneLine(err error) string { return engine.Printable(err.Error()) }

// names joins a few names and counts the rest.
func names(all []string, most int) string {
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return strings.Join(all[:most], ", ") + " and " + plural(len(all)-most, "other", "others")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// failed tells an error: in passing when it is short, else in a box.
func failed(env *Env, doing string, err error) tea.Cmd {
	if text := doing + ": " + oneLine(err); len(text) <= 56 {
		return Toast(theme.Danger, text)
	}
	return env.Ask(Notice(env, doing, err.Error()))
}
