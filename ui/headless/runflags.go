package headless

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gantry/engine"
)

// runFlags are the options create and run share, as given.
type runFlags struct {
	name, entrypoint, workdir, user, network, hostname string
	memory, cpus, pids, stopSignal, stopTimeout        string
	pull, platform, cidfile                            string
	env, envFiles, labels, ports                       []string
	volumes, mounts, tmpfs, security                   []string
	interactive, tty, remove, readOnly, quiet          bool
	insecure                                           bool
}

// addRunFlags declares the options. Those with a value per use are arrays, not
// slices: a comma belongs to the value.
func (r *runFlags) add(f *pflag.FlagSet) {
	f.BoolVarP(&r.interactive, "interactive", "i", false, "Keep standard input open")
	f.BoolVarP(&r.tty, "tty", "t", false, "Give the process a terminal")
	f.BoolVar(&r.remove, "rm", false, "Remove the container when it exits")
	f.StringVar(&r.name, "name", "", "Name the container")
	f.StringArrayVarP(&r.env, "env", "e", nil, "Set an environment variable: `NAME[=value]`")
	f.StringArrayVar(&r.envFiles, "env-file", nil, "Read environment variables from a `file`")
	f.StringVarP(&r.workdir, "workdir", "w", "", "Working `directory` in the container")
	f.StringVarP(&r.user, "user", "u", "", "User or uid, and group: `name|uid[:group|gid]`")
	f.StringVar(&r.entrypoint, "entrypoint", "", "Replace the image's entrypoint with one `program`")
	f.StringVarP(&r.hostname, "hostname", "h", "", "Host `name` in the container")
	f.StringArrayVarP(&r.labels, "label", "l", nil, "Set a label: `key[=value]`")
	f.StringArrayVarP(&r.volumes, "volume", "v", nil, "Mount a path or volume: `[source:]destination[:options]`")
	f.StringArrayVar(&r.mounts, "mount", nil, "Mount as described: `type=bind,source=…,target=…`")
	f.StringArrayVar(&r.tmpfs, "tmpfs", nil, "Mount an empty file system in memory: `destination[:options]`")
	f.StringArrayVarP(&r.ports, "publish", "p", nil, "Publish a port: `[ip:][host:]container[/proto]`")
	f.StringVar(&r.network, "network", "", "Network: bridge, none or host")
	f.StringVarP(&r.memory, "memory", "m", "", "Memory limit in `bytes`, or with a unit: 512m")
	f.StringVar(&r.cpus, "cpus", "", "`Number` of CPUs")
	f.StringVar(&r.pids, "pids-limit", "", "Most processes in the container, -1 for no limit (default 2048)")
	f.BoolVar(&r.readOnly, "read-only", false, "Mount the root file system read-only")
	f.StringArrayVar(&r.security, "security-opt", nil, "Security `option`: no-new-privileges, seccomp=unconfined")
	f.StringVar(&r.stopSignal, "stop-signal", "", "`Signal` that stops the container")
	f.StringVar(&r.stopTimeout, "stop-timeout", "", "`Seconds` from the stop signal to SIGKILL, -1 for ever (default 10)")
	f.StringVar(&r.cidfile, "cidfile", "", "Write the container's ID to a new `file`")
	f.StringVar(&r.pull, "pull", "missing", "Pull the image: always, missing or never")
	f.StringVar(&r.platform, "platform", "", "Image `platform`: os/arch[/variant]")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "Show no pull progress")
	f.BoolVar(&r.insecure, "insecure", false, "Allow plain HTTP and unverified TLS for the pull")
	f.Bool("help", false, "Print usage") // -h is the host name here
	f.SetInterspersed(false)
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "net" {
			name = "network"
		}
		return pflag.NormalizedName(name)
	})
}

// spec turns the options into what the engine creates.
func (r *runFlags) spec(a *app, cmd *cobra.Command, args []string) (engine.RunSpec, error) {
	s := engine.RunSpec{Image: args[0], Args: args[1:], Pull: engine.PullPolicy(r.pull), Insecure: r.insecure,
		Quiet: r.quiet, Tty: r.tty, OpenStdin: r.interactive, AutoRemove: r.remove, Network: r.network,
		ReadonlyRootfs: r.readOnly}
	given := cmd.Flags().Changed
	for _, step := range []func() error{
		func() error { return r.checkPull() },
		set(given("name"), &s.Name, r.name, engine.ParseName),
		set(given("workdir"), &s.WorkingDir, r.workdir, engine.ParseWorkdir),
		set(given("user") && r.user != "", &s.User, r.user, engine.ParseUserSyntax),
		set(given("hostname"), &s.Hostname, r.hostname, engine.ParseHostname),
		set(given("platform"), &s.Platform, r.platform, engine.ParsePlatform),
		set(given("memory"), &s.Memory, r.memory, engine.ParseMemory),
		set(given("cpus"), &s.NanoCPUs, r.cpus, engine.ParseCPUs),
		set(given("pids-limit"), &s.PidsLimit, r.pids, engine.ParsePidsLimit),
		set(given("stop-signal"), &s.StopSignal, r.stopSignal, engine.ParseSignal),
		set(true, &s.Labels, r.labels, engine.ParseLabels),
		set(true, &s.Ports, r.ports, engine.ParsePorts),
		set(true, &s.SecurityOpt, r.security, engine.ParseSecurityOpt),
		func() error { return r.parseMounts(&s) },
	} {
		if err := step(); err != nil {
			return s, err
		}
	}
	if given("stop-timeout") {
		seconds, err := engine.ParseStopTimeout(r.stopTimeout)
		if err != nil {
			return s, err
		}
		s.StopTimeout = &seconds
	}
	if given("entrypoint") {
		s.Entrypoint = &[]string{}
		if r.entrypoint != "" {
			s.Entrypoint = &[]string{r.entrypoint}
		}
	}
	var err error
	s.Env, err = a.environment(r.env, r.envFiles)
	if err == nil && s.Network == "host" && len(s.Ports) > 0 {
		a.warn("Published ports are discarded when using host network mode")
		s.Ports = nil
	}
	return s, err
}

// set parses a value into its field, if it was given.
func set[In, Out any](given bool, field *Out, value In, parse func(In) (Out, error)) func() error {
	return func() (err error) {
		if given {
			*field, err = parse(value)
		}
		return err
	}
}

func (r *runFlags) checkPull() error {
	switch engine.PullPolicy(r.pull) {
	case engine.PullAlways, engine.PullMissing, engine.PullNever:
		return nil
	}
	return fmt.Errorf(`invalid pull option: '%s': must be one of "always", "missing" or "never"`, r.pull)
}

func (r *runFlags) parseMounts(s *engine.RunSpec) error {
	for _, kind := range []struct {
		specs []string
		parse func(string) (engine.Mount, error)
	}{{r.mounts, engine.ParseMount}, {r.volumes, engine.ParseVolume}, {r.tmpfs, engine.ParseTmpfs}} {
		for _, spec := range kind.specs {
			m, err := kind.parse(spec)
			if err != nil {
				return err
			}
			s.Mounts = append(s.Mounts, m)
		}
	}
	return engine.CheckMounts(s.Mounts)
}

// environment joins files and -e values; -e wins.
func (a *app) environment(list, files []string) ([]string, error) {
	var all []string
	for _, path := range files {
		lines, err := engine.ParseEnvFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return engine.ParseEnv(append(all, list...), a.Env)
}

// attachList reads -a values.
func attachList(list []string) (map[string]bool, error) {
	streams := map[string]bool{}
	for _, name := range list {
		name = strings.ToLower(name)
		if name != "stdin" && name != "stdout" && name != "stderr" {
			return nil, fmt.Errorf("invalid argument '%s' for -a: valid streams are STDIN, STDOUT and STDERR", name)
		}
		streams[name] = true
	}
	return streams, nil
}
