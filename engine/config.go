package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gantry/images"
)

// Config says where an engine keeps things and how it behaves. It comes from
// the defaults, then the config file, then the environment, the later winning.
type Config struct {
	Root string `json:"root,omitempty"` // what is kept; $GANTRY_ROOT
	Run  string `json:"run,omitempty"`  // what a reboot may lose; $GANTRY_RUN

	// Bridge is the name of the default network's link; $GANTRY_BRIDGE.
	Bridge string `json:"bridge,omitempty"`
	// Subnet of the default network; "" takes the first private one that no
	// route of the host overlaps.
	Subnet string `json:"subnet,omitempty"`
	// PublishAddress is where ports are published when no address is given.
	PublishAddress string `json:"publishAddress,omitempty"`
	// NoNewPrivileges is the default of --security-opt no-new-privileges.
	NoNewPrivileges bool `json:"noNewPrivileges,omitempty"`
	// Registries says what is special about registries, by host[:port] or, for
	// mirrors, host[:port]/namespace.
	Registries map[string]RegistryHost `json:"registries,omitempty"`

	// Docker is true when the program answers to Docker's command line.
	Docker bool `json:"-"`
}

// configFile is read when $GANTRY_CONFIG does not name another.
func configFile() string {
	if path := os.Getenv("GANTRY_CONFIG"); path != "" {
		return path
	}
	if os.Geteuid() == 0 {
		return "/etc/gantry/config.json"
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "gantry", "config.json")
}

// LoadConfig puts the config together. docker makes the defaults Docker's own.
func LoadConfig(docker bool) (Config, error) {
	cfg, err := defaults(docker)
	if err != nil {
		return cfg, err
	}
	if err := cfg.readFile(configFile()); err != nil {
		return cfg, err
	}
	for name, field := range map[string]*string{
		"GANTRY_ROOT": &cfg.Root, "GANTRY_RUN": &cfg.Run,
		"GANTRY_BRIDGE": &cfg.Bridge,
	} {
		if v := os.Getenv(name); v != "" {
			*field = v
		}
	}
	return cfg, nil
}

func defaults(docker bool) (Config, error) {
	cfg := Config{
		Root: "/var/lib/gantry", Run: "/run/gantry", Bridge: "gantry0",
		PublishAddress: "127.0.0.1", Docker: docker,
	}
	if docker {
		cfg.PublishAddress = "0.0.0.0"
	}
	if os.Geteuid() == 0 {
		return cfg, nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return cfg, fmt.Errorf("finding the store: %w", err)
		}
		data = filepath.Join(home, ".local", "share")
	}
	run := os.Getenv("XDG_RUNTIME_DIR")
	if run == "" {
		run = filepath.Join(os.TempDir(), fmt.Sprintf("gantry-run-%d", os.Geteuid()))
	}
	cfg.Root, cfg.Run = filepath.Join(data, "gantry"), filepath.Join(run, "gantry")
	return cfg, nil
}

// readFile overlays the config file, which need not be there. A key it does
// not know is an error: a misspelt option must not pass for a default.
func (c *Config) readFile(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return fmt.Errorf("config %s: %w: %w", path, err, ErrInvalid)
	}
	if err := images.CheckHosts(c.Registries); err != nil {
		return fmt.Errorf("config %s: %w", path, err)
	}
	return nil
}

// Locate overrides where things are kept; empty strings change nothing.
func (c *Config) Locate(root, run string) {
	if root != "" {
		c.Root = root
	}
	if run != "" {
		c.Run = run
	}
}
