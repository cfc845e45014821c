package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigOfRegistries(t *testing.T) {
	for text, want := range map[string]string{
		`{"registries":{"docker.io":{"mirrors":["m.example:5000/hub"]},"r.example":{"insecure":true,"ca":"/etc/ca.pem"}}}`: "",
		`{"registries":{"docker.io":{"mirror":["m.example"]}}}`:                                                            `unknown field "mirror"`,
		`{"registries":{"docker.io":{"mirrors":["m"]}}}`:                                                                   `mirror "m": write host`,
		`{"registries":{"https://r.example":{}}}`:                                                                          "write host",
	} {
		path := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GANTRY_CONFIG", path)
		cfg, err := LoadConfig(false)
		if want == "" {
			if err != nil || len(cfg.Registries) != 2 || !cfg.Registries["r.example"].Insecure {
				t.Errorf("LoadConfig(%s) = %+v, %v", text, cfg.Registries, err)
			}
			continue
		}
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("LoadConfig(%s) = %v, want %q", text, err, want)
		}
	}
}
