package headless

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"gantry/engine"
)

// psRow is one container as ps shows it. Its fields are what --format knows.
type psRow struct {
	Command      string
	CreatedAt    string
	ID           string
	Image        string
	Labels       string
	LocalVolumes string
	Mounts       string
	Names        string
	Networks     string
	Platform     string
	Ports        string
	RunningFor   string
	Size         string
	State        string
	Status       string

	labels map[string]string
}

// Label is the value of one label.
func (r psRow) Label(name string) string { return r.labels[name] }

var psTitles = headers{"Command": "COMMAND", "CreatedAt": "CREATED AT", "ID": "CONTAINER ID", "Image": "IMAGE",
	"Labels": "LABELS", "LocalVolumes": "LOCAL VOLUMES", "Mounts": "MOUNTS", "Names": "NAMES", "Networks": "NETWORKS",
	"Platform": "PLATFORM", "Ports": "PORTS", "RunningFor": "CREATED", "Size": "SIZE", "State": "STATE",
	"Status": "STATUS"}

func (a *app) psRow(c engine.Container, full bool) psRow {
	row := psRow{ID: c.ID, State: string(c.State.Status), Status: statusColumn(c, a.now()), Size: "0B"}
	if !full {
		row.ID = shortID(c.ID)
	}
	if c.Damaged != "" {
		row.State, row.Status = "dead", a.safe("Damaged: "+c.Damaged)
		return row
	}
	command := a.safe(strings.Join(append(append([]string(nil), c.Config.Entrypoint...), c.Config.Cmd...), " "))
	if !full {
		command = ellipsis(command, 20)
	}
	volumes := 0
	var mounts []string
	for _, m := range c.Host.Mounts {
		name := m.Source
		if m.Type == "volume" {
			volumes++
		}
		if name == "" {
			name = m.Destination
		}
		if !full {
			name = ellipsis(name, 15)
		}
		mounts = append(mounts, a.safe(name))
	}
	row.Command = strconv.Quote(command)
	row.CreatedAt = c.Created.Local().Format(createdLayout)
	row.RunningFor = ago(a.now(), c.Created)
	row.Labels, row.labels = a.safe(labelList(c.Config.Labels)), a.safeLabels(c.Config.Labels)
	row.LocalVolumes, row.Mounts = strconv.Itoa(volumes), strings.Join(mounts, ",")
	row.Names, row.Networks, row.Platform = a.safe(c.Name), a.safe(network(c)), a.safe(c.Platform)
	row.Ports = portsColumn(c)
	return row
}

func (a *app) safeLabels(labels map[string]string) map[string]string {
	clean := make(map[string]string, len(labels))
	for key, value := range labels {
		clean[key] = a.safe(value)
	}
	return clean
}

func network(c engine.Container) string {
	if c.Host.NetworkMode == "" {
		return "bridge"
	}
	return c.Host.NetworkMode
}

// statusColumn says a container's state in Docker's words.
func statusColumn(c engine.Container, now time.Time) string {
	s := c.State
	switch s.Status {
	case engine.Running:
		return "Up " + units.HumanDuration(max(now.Sub(s.StartedAt), 0))
	case engine.Paused:
		return "Up " + units.HumanDuration(max(now.Sub(s.StartedAt), 0)) + " (Paused)"
	case engine.Exited:
		if s.FinishedAt.IsZero() {
			return fmt.Sprintf("Exited (%d)", s.ExitCode)
		}
		return fmt.Sprintf("Exited (%d) %s", s.ExitCode, ago(now, s.FinishedAt))
	case engine.Created:
		return "Created"
	case "removing":
		return "Removal In Progress"
	case "dead":
		return "Dead"
	}
	return string(s.Status)
}
