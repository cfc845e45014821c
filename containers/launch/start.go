package launch

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Start is what a supervisor is told, beside the container's record. It dies
// with the boot.
type Start struct {
	Root   string   `json:"root"` // of the store
	Run    string   `json:"run"`
	ID     string   `json:"id"`
	RunDir string   `json:"runDir"`
	Lowers []string `json:"lowers"` // layers of the root file system, top first
	// Volumes are the sources of the record's volume mounts, by volume name.
	Volumes map[string]string `json:"volumes,omitempty"`
	Network Network           `json:"network"`
	Cols    uint16            `json:"cols,omitempty"` // first size of the terminal; 0: 80×24
	Rows    uint16            `json:"rows,omitempty"`
	Attach  bool              `json:"attach,omitempty"`
	Stdin   bool              `json:"stdin,omitempty"`
}

// Network is the engine's network configuration.
type Network struct {
	Bridge        string `json:"bridge,omitempty"`
	Subnet        string `json:"subnet,omitempty"`
	DefaultBindIP string `json:"defaultBindIP,omitempty"`
}

// ReadStart reads what Supervisor wrote in runDir.
func ReadStart(runDir string) (Start, error) {
	data, err := os.ReadFile(filepath.Join(runDir, StartFile))
	if err != nil {
		return Start{}, err
	}
	var s Start
	if err := json.Unmarshal(data, &s); err != nil {
		return Start{}, fmt.Errorf("%s: %w", StartFile, err)
	}
	return s, nil
}
