package engine

import (
	"runtime/debug"

	"gantry/internal/host"
)

// Host is what the kernel says about this machine.
type Host = host.Facts

// HostFacts reads them anew.
func HostFacts() Host { return host.Read() }

// Root is the directory where images and containers are kept.
func (e *Engine) Root() string { return e.cfg.Root }

// version is set when a release is linked.
var version string

// Version returns the release, or the commit it was built from.
func Version() string {
	if version != "" {
		return version
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}
