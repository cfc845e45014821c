// Package keymap is the one table of what a person can do in the terminal and
// with which key. Screens dispatch on it, the footer, the help overlay, the
// palette and docs/keys.md are drawn from it, and a user's file may replace
// keys in it. It knows keystrokes only by name and draws nothing.
package keymap

import (
	"fmt"
	"slices"
	"strings"
)

// Action names something a person can do. Names are stable: a user's key file
// refers to them.
type Action string

// Scope says where a binding holds.
type Scope string

// The scopes. A screen has its own and the ones that enclose it.
const (
	Everywhere Scope = "everywhere"
	Lists      Scope = "lists"
	Images     Scope = "images"
	Layers     Scope = "layers"
	File       Scope = "file"
	Found      Scope = "found"
	Containers Scope = "containers"
	Text       Scope = "text"
	Logs       Scope = "logs"
	Dialogs    Scope = "dialogs"
	Confirm    Scope = "confirm"
)

// scopes is the order in which documentation lists them.
var scopes = []Scope{Everywhere, Lists, Images, Layers, File, Found, Containers, Logs, Text, Dialogs, Confirm}

// Enclosing returns s and the scopes around it, innermost first. A dialog
// stands alone: nothing behind it answers to a key.
func (s Scope) Enclosing() []Scope {
	switch s {
	case Images, Containers:
		return []Scope{s, Lists, Everywhere}
	case File:
		return []Scope{s, Text, Everywhere}
	case Lists, Layers, Found, Logs, Text:
		return []Scope{s, Everywhere}
	default:
		return []Scope{s}
	}
}

// Heading is how documentation and the help overlay call the scope.
func (s Scope) Heading() string {
	switch s {
	case Lists:
		return "In every list"
	case Text:
		return "Details and results"
	case File:
		return "A file of an image"
	case Found:
		return "What a search in files found"
	case Dialogs:
		return "Prompts, forms and menus"
	case Confirm:
		return "Questions"
	default:
		return strings.ToUpper(string(s[:1])) + string(s[1:])
	}
}

// Binding ties an action to its keys.
type Binding struct {
	Action Action
	Where  Scope
	Keys   []string // as keystrokes are named: a, A, ctrl+s, enter
	Short  string   // one or two words for the footer
	Help   string   // what it does, for help and documentation
	Rank   int      // place in the footer, 1 first; 0: not shown there
}

// Key returns the binding's first key as it is shown, or "" without one.
func (b Binding) Key() string {
	if len(b.Keys) == 0 {
		return ""
	}
	return Display(b.Keys[0])
}

// AllKeys returns every key as it is shown.
func (b Binding) AllKeys() string {
	shown := make([]string, len(b.Keys))
	for i, k := range b.Keys {
		shown[i] = Display(k)
	}
	return strings.Join(shown, " ")
}

// Display turns a keystroke's name into what people read: ctrl+s is ctrl-s.
func Display(key string) string {
	if key == "+" {
		return key
	}
	return strings.ReplaceAll(key, "+", "-")
}

// Map answers which action a key means on a screen.
type Map struct {
	bindings []Binding
	index    map[Scope]map[string]int
}

// New returns the default table with the user's keys put in. Overrides name
// actions; an empty list takes an action's keys away.
func New(overrides map[Action][]string) (*Map, error) {
	m := &Map{bindings: slices.Clone(table)}
	for action, keys := range overrides {
		i := slices.IndexFunc(m.bindings, func(b Binding) bool { return b.Action == action })
		if i < 0 {
			return nil, fmt.Errorf("no action is called %q", action)
		}
		m.bindings[i].Keys = keys
	}
	return m, m.build()
}

// Default returns the table as shipped.
func Default() *Map {
	m, err := New(nil)
	if err != nil {
		panic("keymap: " + err.Error()) // the shipped table is tested to be free of clashes
	}
	return m
}

// build fills the index and refuses a key that would mean two things at once.
func (m *Map) build() error {
	m.index = map[Scope]map[string]int{}
	for i, b := range m.bindings {
		keys := m.index[b.Where]
		if keys == nil {
			keys = map[string]int{}
			m.index[b.Where] = keys
		}
		for _, key := range b.Keys {
			if other, taken := keys[key]; taken {
				return m.clash(key, m.bindings[other], b)
			}
			keys[key] = i
		}
	}
	for _, b := range m.bindings {
		for _, outer := range b.Where.Enclosing()[1:] {
			for _, key := range b.Keys {
				if other, taken := m.index[outer][key]; taken {
					return m.clash(key, m.bindings[other], b)
				}
			}
		}
	}
	return nil
}

func (m *Map) clash(key string, a, b Binding) error {
	return fmt.Errorf("key %s means both %s and %s", Display(key), a.Action, b.Action)
}

// Lookup finds what key means in scope.
func (m *Map) Lookup(scope Scope, key string) (Binding, bool) {
	for _, s := range scope.Enclosing() {
		if i, ok := m.index[s][key]; ok {
			return m.bindings[i], true
		}
	}
	return Binding{}, false
}

// Is reports whether key means action in scope.
func (m *Map) Is(scope Scope, key string, action Action) bool {
	b, ok := m.Lookup(scope, key)
	return ok && b.Action == action
}

// Binding returns the row of an action.
func (m *Map) Binding(action Action) Binding {
	for _, b := range m.bindings {
		if b.Action == action {
			return b
		}
	}
	return Binding{Action: action}
}

// In lists the bindings that hold in scope, the innermost scope's first.
func (m *Map) In(scope Scope) []Binding {
	var out []Binding
	for _, s := range scope.Enclosing() {
		out = append(out, m.Of(s)...)
	}
	return out
}

// Of lists the bindings that belong to exactly this scope, in table order.
func (m *Map) Of(scope Scope) []Binding {
	var out []Binding
	for _, b := range m.bindings {
		if b.Where == scope {
			out = append(out, b)
		}
	}
	return out
}
