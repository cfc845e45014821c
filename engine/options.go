package engine

import (
	"runtime"

	"gantry/containers/option"
)

// MinMemory is the smallest memory limit a container starts with.
const MinMemory = option.MinMemory

// What a person writes for an option, as values; every error wraps ErrInvalid
// and is a full sentence on its own. See package option.

// ParsePorts reads [ip:][host[-end]:]container[-end][/tcp|udp] values.
func ParsePorts(specs []string) ([]PortMapping, error) { return option.ParsePorts(specs) }

// ParseVolume reads [source:]destination[:options].
func ParseVolume(spec string) (Mount, error) { return option.ParseVolume(spec) }

// ParseMount reads type=bind,source=…,target=….
func ParseMount(spec string) (Mount, error) { return option.ParseMount(spec) }

// ParseTmpfs reads destination[:options].
func ParseTmpfs(spec string) (Mount, error) { return option.ParseTmpfs(spec) }

// CheckMounts looks at all mounts of a container together.
func CheckMounts(mounts []Mount) error { return option.CheckMounts(mounts) }

// ParseMemory reads a memory limit in bytes, or with a unit: 512m.
func ParseMemory(s string) (int64, error) { return option.ParseMemory(s) }

// ParseCPUs reads a number of this machine's CPUs, in billionths.
func ParseCPUs(s string) (int64, error) { return option.ParseCPUs(s, runtime.NumCPU()) }

// ParsePidsLimit reads a number of processes; -1 is no limit.
func ParsePidsLimit(s string) (int64, error) { return option.ParsePidsLimit(s) }

// ParseStopTimeout reads seconds; -1 waits for ever.
func ParseStopTimeout(s string) (int, error) { return option.ParseStopTimeout(s) }

// ParseEnv reads NAME=value, or NAME taken from lookup.
func ParseEnv(list []string, lookup func(string) (string, bool)) ([]string, error) {
	return option.ParseEnv(list, lookup)
}

// ParseEnvFile reads a file's lines for ParseEnv.
func ParseEnvFile(path string) ([]string, error) { return option.ParseEnvFile(path) }

// ParseLabels reads KEY=value.
func ParseLabels(list []string) (map[string]string, error) { return option.ParseLabels(list) }

// ParseName checks a container's name.
func ParseName(s string) (string, error) { return option.ParseName(s) }

// ParseHostname checks a host name by RFC 1123.
func ParseHostname(s string) (string, error) { return option.ParseHostname(s) }

// ParseUserSyntax checks the form name|uid[:group|gid].
func ParseUserSyntax(s string) (string, error) { return option.ParseUserSyntax(s) }

// ParseWorkdir checks a working directory.
func ParseWorkdir(s string) (string, error) { return option.ParseWorkdir(s) }

// ParseSignal returns the name of a signal given by name or number.
func ParseSignal(s string) (string, error) { return option.ParseSignal(s) }

// ParsePlatform reads os/arch[/variant].
func ParsePlatform(s string) (string, error) { return option.ParsePlatform(s) }

// ParseSecurityOpt reads seccomp=unconfined and no-new-privileges.
func ParseSecurityOpt(list []string) ([]string, error) { return option.ParseSecurityOpt(list) }

// ParseDetachKeys reads keys such as ctrl-p,ctrl-q, which "" stands for.
func ParseDetachKeys(s string) ([]byte, error) { return option.ParseDetachKeys(s) }
