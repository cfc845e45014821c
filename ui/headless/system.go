package headless

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"gantry/engine"
)

// versionInfo is what version -f knows. There is no server: it is this program.
type versionInfo struct{ Client, Server versionBlock }

type versionBlock struct {
	Platform                                                struct{ Name string }
	Version, APIVersion, GoVersion, Os, Arch, KernelVersion string `json:",omitempty"`
}

func (a *app) version() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version [OPTIONS]",
		Short: "Print the version",
		Args:  between(0, 0),
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "json, or a Go `template`")
	cmd.RunE = func(*cobra.Command, []string) error {
		b := versionBlock{Version: engine.Version(), GoVersion: runtime.Version(), Os: runtime.GOOS, Arch: runtime.GOARCH}
		b.Platform.Name = "Gantry"
		server := b
		server.KernelVersion = engine.HostFacts().KernelVersion
		if format != "" {
			return printOne(a.Out, format, versionInfo{Client: b, Server: server})
		}
		_, err := fmt.Fprintf(a.Out, "Gantry (no daemon: client and engine are one program)\n"+
			" Version:    %s\n Go version: %s\n OS/Arch:    %s/%s\n Kernel:     %s\n",
			b.Version, b.GoVersion, b.Os, b.Arch, server.KernelVersion)
		return err
	}
	return cmd
}

// systemInfo has the names that scripts read from docker info.
type systemInfo struct {
	ID                                                                 string `json:",omitempty"`
	Containers, ContainersRunning, ContainersPaused, ContainersStopped int
	Images                                                             int
	Driver, LoggingDriver, CgroupDriver, CgroupVersion                 string
	SecurityOptions                                                    []string
	KernelVersion, OperatingSystem, OSType, Architecture               string
	NCPU                                                               int
	MemTotal                                                           int64
	DockerRootDir, Name, ServerVersion                                 string
}

func (a *app) info() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "info [OPTIONS]",
		Short: "Print facts about the store and this machine",
		Args:  between(0, 0),
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "json, or a Go `template`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		list, err := e.Containers(cmd.Context())
		if err != nil {
			return err
		}
		images, err := e.Images(cmd.Context())
		if err != nil {
			return err
		}
		i := gather(list, len(images))
		if r, ok := e.(interface{ Root() string }); ok {
			i.DockerRootDir = r.Root()
		}
		if format != "" {
			return printOne(a.Out, format, i)
		}
		return printInfo(a.Out, i)
	}
	return cmd
}

// networkResetter is an engine that has a network of its own.
type networkResetter interface{ ResetNetwork(context.Context) error }

func (a *app) resetNetwork() *cobra.Command {
	return &cobra.Command{
		Use:   "reset-network",
		Short: "Remove the default network's bridge and rules; the next container makes them anew",
		Args:  between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			if r, ok := e.(networkResetter); ok {
				return r.ResetNetwork(cmd.Context())
			}
			return nil
		},
	}
}

func gather(list []engine.Container, images int) systemInfo {
	host := engine.HostFacts()
	i := systemInfo{Containers: len(list), Images: images, Driver: "overlay2", LoggingDriver: "local",
		CgroupDriver: "cgroupfs", CgroupVersion: host.CgroupVersion, SecurityOptions: []string{"name=seccomp,profile=builtin"},
		KernelVersion: host.KernelVersion, OperatingSystem: host.OperatingSystem, OSType: runtime.GOOS,
		Architecture: host.Architecture, NCPU: host.CPUs, MemTotal: host.MemoryBytes, Name: host.Name,
		ServerVersion: engine.Version()}
	for _, c := range list {
		switch c.State.Status {
		case engine.Running:
			i.ContainersRunning++
		case engine.Paused:
			i.ContainersPaused++
		default:
			i.ContainersStopped++
		}
	}
	return i
}

func printInfo(w io.Writer, i systemInfo) error {
	var b bytes.Buffer
	line := func(name string, value any) { fmt.Fprintf(&b, "%s: %v\n", name, value) }
	line("Containers", i.Containers)
	line(" Running", i.ContainersRunning)
	line(" Paused", i.ContainersPaused)
	line(" Stopped", i.ContainersStopped)
	line("Images", i.Images)
	line("Version", i.ServerVersion)
	line("Storage Driver", i.Driver)
	line("Logging Driver", i.LoggingDriver)
	line("Cgroup Driver", i.CgroupDriver)
	line("Cgroup Version", i.CgroupVersion)
	line("Security Options", i.SecurityOptions)
	line("Kernel Version", i.KernelVersion)
	line("Operating System", i.OperatingSystem)
	line("OSType", i.OSType)
	line("Architecture", i.Architecture)
	line("CPUs", i.NCPU)
	line("Total Memory", units.BytesSize(float64(i.MemTotal)))
	line("Name", i.Name)
	line("Root Dir", i.DockerRootDir)
	_, err := w.Write(b.Bytes())
	return err
}

// printOne writes one value as JSON or by a template.
func printOne[T any](w io.Writer, format string, v T) error {
	if format == "json" {
		return printJSONLines(w, []T{v})
	}
	return printEach(w, format, []T{v})
}
