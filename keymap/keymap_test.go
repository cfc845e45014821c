package keymap

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/keys.md")

func TestDocsAreCurrent(t *testing.T) {
	path := filepath.Join("..", "docs", "keys.md")
	if *update {
		if err := os.WriteFile(path, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Markdown(), string(got)); diff != "" {
		t.Errorf("docs/keys.md is not what the table says (run with -update):\n%s", diff)
	}
}

func TestTableIsComplete(t *testing.T) {
	seen := map[Action]bool{}
	for _, b := range table {
		if seen[b.Action] {
			t.Errorf("action %s is listed twice", b.Action)
		}
		seen[b.Action] = true
		if b.Short == "" || b.Help == "" || len(b.Keys) == 0 {
			t.Errorf("action %s has an empty field", b.Action)
		}
		for _, avoid := range []string{"ctrl+m", "ctrl+i", "ctrl+h", "f1"} {
			if b.Keys[0] == avoid {
				t.Errorf("action %s starts with %s, which terminals do not tell apart", b.Action, avoid)
			}
		}
	}
	if _, err := New(nil); err != nil {
		t.Errorf("New(nil) = %v, want no clash", err)
	}
}

func TestLookup(t *testing.T) {
	m := Default()
	tests := []struct {
		scope Scope
		key   string
		want  Action
	}{
		{Images, "P", Pull},
		{Images, "enter", Open},
		{Images, "?", Help},
		{Containers, "s", StartStop},
		{Logs, "n", Next},
		{Logs, "enter", ""},
		{Images, "s", ""},
		{Dialogs, "?", ""},
		{Confirm, "y", Yes},
	}
	for _, tt := range tests {
		b, _ := m.Lookup(tt.scope, tt.key)
		if b.Action != tt.want {
			t.Errorf("Lookup(%s, %q) = %q, want %q", tt.scope, tt.key, b.Action, tt.want)
		}
	}
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name, file, wantErr string
		scope               Scope
		key                 string
		want                Action
	}{
		{"one key", `{"pull": "ctrl-p"}`, "", Images, "ctrl+p", Pull},
		{"list", `{"quit": ["Q", "ctrl+c"]}`, "", Images, "Q", Quit},
		{"old key is free", `{"pull": "ctrl+p"}`, "", Images, "P", ""},
		{"clash", `{"pull": "n"}`, "key n means both pull and run", Images, "P", Pull},
		{"clash with an outer scope", `{"pull": "q"}`, "key q means both quit and pull", Images, "P", Pull},
		{"unknown action", `{"puul": "n"}`, `no action is called "puul"`, Images, "P", Pull},
		{"not json", `pull = n`, "invalid character", Images, "P", Pull},
		{"not a key", `{"pull": 3}`, "pull: want a key or a list of keys", Images, "P", Pull},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := Load(path)
			if (err != nil) != (tt.wantErr != "") || (err != nil && !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("Load(%s) = %v, want %q", tt.file, err, tt.wantErr)
			}
			if b, _ := m.Lookup(tt.scope, tt.key); b.Action != tt.want {
				t.Errorf("key %s = %q, want %q", tt.key, b.Action, tt.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.json")); err != nil {
		t.Errorf("Load of an absent file = %v, want nil", err)
	}
}

func TestKeysLieBesideTheConfigFile(t *testing.T) {
	t.Setenv("GANTRY_CONFIG", "/etc/elsewhere/config.json")
	if got, want := Path(), "/etc/elsewhere/keys.json"; got != want {
		t.Errorf("Path() = %q, want %q", got, want)
	}
}
