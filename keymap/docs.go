package keymap

import (
	"fmt"
	"strings"
)

const intro = `# Keys

This page is written from the same table the program uses. Press ? in any
screen for the keys that hold there, and : to find an action by name.

To change keys, write ` + "`keys.json`" + ` in ` + "`~/.config/gantry`" + ` (or beside the
file ` + "`$GANTRY_CONFIG`" + ` names): an object from action names to a key or a list of
keys, for example ` + "`{\"pull\": \"ctrl+p\", \"quit\": [\"q\", \"Q\"]}`" + `. A key that would
mean two things at once is refused, with a message that names both.
`

// Markdown is the documentation of the shipped table, docs/keys.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(intro)
	m := Default()
	for _, scope := range scopes {
		fmt.Fprintf(&b, "\n## %s\n\n| key | does | action |\n|---|---|---|\n", scope.Heading())
		for _, binding := range m.Of(scope) {
			fmt.Fprintf(&b, "| %s | %s | `%s` |\n", codes(binding.Keys), binding.Help, binding.Action)
		}
	}
	return b.String()
}

func codes(keys []string) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = "`" + Display(k) + "`"
	}
	return strings.Join(out, " ")
}
