// Package change edits an image's config by lines of a Dockerfile, as commit
// and import take them: what starts, as whom, where, and what an image says of
// itself. Lines that would make layers are refused.
package change

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	docker "github.com/moby/docker-image-spec/specs-go/v1"

	"gantry/internal/termsafe"
	"gantry/store"
)

// allowed are the instructions that change a config only.
var allowed = []string{"CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "ONBUILD", "USER", "VOLUME", "WORKDIR"}

// Apply applies lines in order. What is wrong with one of them is
// store.ErrInvalid, and cfg may be half changed then.
func Apply(cfg *docker.DockerOCIImageConfig, lines []string) error {
	e := editor{cfg: cfg}
	for _, line := range lines {
		if err := e.line(line); err != nil {
			return fmt.Errorf("change %q: %w: %w", termsafe.Line(line), err, store.ErrInvalid)
		}
	}
	return nil
}

type editor struct {
	cfg    *docker.DockerOCIImageConfig
	cmdSet bool // by one of the lines
}

func (e *editor) line(line string) error {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if !slices.Contains(allowed, strings.ToUpper(word)) {
		return fmt.Errorf("%s is not a valid change: allowed are %s", termsafe.Line(word), strings.Join(allowed, ", "))
	}
	parsed, err := parser.Parse(strings.NewReader(line))
	if err != nil {
		return err
	}
	for _, node := range parsed.AST.Children {
		command, err := instructions.ParseCommand(node)
		if err != nil {
			return err
		}
		if err := e.apply(command); err != nil {
			return err
		}
	}
	return nil
}

func (e *editor) apply(command instructions.Command) (err error) {
	if x, ok := command.(instructions.SupportsSingleWordExpansion); ok {
		if err := x.Expand(e.expand); err != nil {
			return err
		}
	}
	switch c := command.(type) {
	case *instructions.CmdCommand:
		e.cfg.Cmd, e.cmdSet = e.args(c.ShellDependantCmdLine), true
	case *instructions.EntrypointCommand:
		e.cfg.Entrypoint = e.args(c.ShellDependantCmdLine)
		if !e.cmdSet { // arguments for another program
			e.cfg.Cmd = nil
		}
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			e.setEnv(kv.Key, kv.Value)
		}
	case *instructions.LabelCommand:
		for _, kv := range c.Labels {
			set(&e.cfg.Labels, kv.Key, kv.Value)
		}
	case *instructions.ExposeCommand:
		return e.expose(c.Ports)
	case *instructions.VolumeCommand:
		for _, v := range c.Volumes {
			set(&e.cfg.Volumes, v, struct{}{})
		}
	case *instructions.UserCommand:
		e.cfg.User = c.User
	case *instructions.WorkdirCommand:
		e.cfg.WorkingDir = workdir(e.cfg.WorkingDir, c.Path)
	case *instructions.OnbuildCommand:
		return e.onbuild(c.Expression)
	default:
		return fmt.Errorf("%s is not a valid change: allowed are %s", command.Name(), strings.Join(allowed, ", "))
	}
	return nil
}

// expand replaces $NAME by what the config's environment has.
func (e *editor) expand(word string) (string, error) {
	out, _, err := shell.NewLex('\\').ProcessWord(word, shell.EnvsFromSlice(e.cfg.Env))
	return out, err
}

// args is a command line as it is, or for a shell.
func (e *editor) args(c instructions.ShellDependantCmdLine) []string {
	if !c.PrependShell {
		return c.CmdLine
	}
	sh := []string{"/bin/sh", "-c"}
	if len(e.cfg.Shell) > 0 {
		sh = slices.Clone(e.cfg.Shell)
	}
	return append(sh, strings.Join(c.CmdLine, " "))
}

func (e *editor) setEnv(name, value string) {
	kv := name + "=" + value
	at := slices.IndexFunc(e.cfg.Env, func(have string) bool { return strings.HasPrefix(have, name+"=") })
	if at < 0 {
		e.cfg.Env = append(slices.Clone(e.cfg.Env), kv)
		return
	}
	e.cfg.Env = slices.Clone(e.cfg.Env)
	e.cfg.Env[at] = kv
}

func (e *editor) onbuild(trigger string) error {
	word, _, _ := strings.Cut(strings.TrimSpace(trigger), " ")
	switch strings.ToUpper(word) {
	case "ONBUILD", "FROM", "MAINTAINER":
		return fmt.Errorf("%s isn't allowed as an ONBUILD trigger", strings.ToUpper(word))
	}
	e.cfg.OnBuild = append(slices.Clone(e.cfg.OnBuild), trigger)
	return nil
}

func workdir(from, to string) string {
	if path.IsAbs(to) {
		return path.Clean(to)
	}
	return path.Join("/", from, to)
}

func set[V any](m *map[string]V, key string, value V) {
	next := make(map[string]V, len(*m)+1)
	for k, v := range *m {
		next[k] = v
	}
	next[key] = value
	*m = next
}
