package screens

import (
	"fmt"
	"time"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// ContainerDetail shows all that is known about one container.
type ContainerDetail struct {
	textScreen
	id string
}

type containerReadMsg struct {
	of        *ContainerDetail
	container engine.Container
	err       error
}

// NewContainerDetail returns the detail screen of c.
func NewContainerDetail(env *Env, c engine.Container) *ContainerDetail {
	s := &ContainerDetail{id: c.ID}
	s.textScreen = textScreen{env: env, title: engine.Printable(displayName(c))}
	s.pager.SetLines(containerText(c))
	return s
}

// Init reads the container anew.
func (s *ContainerDetail) Init() tea.Cmd { return s.read }

func (s *ContainerDetail) read() tea.Msg {
	c, err := s.env.Lister.Container(s.env.Ctx, s.id)
	return containerReadMsg{s, c, err}
}

// Update follows changes to the container.
func (s *ContainerDetail) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case containerReadMsg:
		if msg.of == s && msg.err == nil {
			s.pager.SetLines(containerText(msg.container))
		}
	case ChangedMsg:
		if msg.Kinds["containers"] {
			return s.read
		}
	}
	return nil
}

// details gathers fields and leaves out empty ones.
type details []widget.TextLine

func (d *details) heading(text string) {
	if len(*d) > 0 {
		*d = append(*d, nil)
	}
	*d = append(*d, widget.Heading(text))
}

func (d *details) field(name string, values ...string) {
	for _, v := range values {
		if v != "" {
			*d = append(*d, widget.Field(name, v))
			name = ""
		}
	}
}

func containerText(c engine.Container) []widget.TextLine {
	var d details
	d.heading("Container")
	d.field("id", c.ID)
	if c.Damaged != "" {
		d = append(d, widget.TextLine{{Text: widget.Fit("  damaged", 16, ""), Role: theme.Danger}, {Text: c.Damaged}})
		return d
	}
	d.field("name", c.Name)
	d.field("image", c.Image)
	d.field("image id", c.ImageID.String())
	d.field("created", localTime(c.Created))
	stateText(&d, c.State)
	d.heading("Command")
	d.field("command", words(command(c)))
	d.field("user", c.Config.User)
	d.field("directory", c.Config.WorkingDir)
	d.field("terminal", yesNo(c.Config.Tty))
	d.field("hostname", c.Config.Hostname)
	d.field("stop signal", c.Config.StopSignal)
	d.field("environment", c.Config.Env...)
	d.field("labels", pairs(c.Config.Labels)...)
	d.heading("On this machine")
	d.field("network", c.Host.NetworkMode)
	for _, m := range c.Host.Mounts {
		d.field("mount", mountText(m))
	}
	hostText(&d, c)
	return d
}

func stateText(d *details, st engine.ContainerState) {
	d.heading("State")
	status := string(st.Status)
	if st.Status == engine.Exited {
		status = fmt.Sprintf("%s %d", status, st.ExitCode)
	}
	d.field("status", status)
	d.field("reason", st.Reason)
	d.field("error", st.Error)
	if st.OOMKilled {
		d.field("memory", "it was killed for want of memory")
	}
	d.field("started", localTime(st.StartedAt))
	if st.Status == engine.Exited {
		d.field("finished", localTime(st.FinishedAt))
		if ran := st.FinishedAt.Sub(st.StartedAt); ran > 0 && !st.StartedAt.IsZero() {
			d.field("ran for", ran.Round(10*time.Millisecond).String())
		}
	}
	d.field("address", st.IPAddress)
	d.field("gateway", st.Gateway)
	d.field("mac", st.MacAddress)
}

func hostText(d *details, c engine.Container) {
	h := c.Host
	d.field("ports", ports(c))
	if h.Memory > 0 {
		d.field("memory", widget.Size(h.Memory))
	}
	if h.NanoCPUs > 0 {
		d.field("processors", fmt.Sprintf("%.2g", float64(h.NanoCPUs)/1e9))
	}
	if h.PidsLimit > 0 {
		d.field("processes", fmt.Sprintf("at most %d", h.PidsLimit))
	}
	d.field("security", h.SecurityOpt...)
	if h.ReadonlyRootfs {
		d.field("root files", "read only")
	}
	if h.AutoRemove {
		d.field("at exit", "removed")
	}
}

func mountText(m engine.Mount) string {
	text := m.Destination
	if m.Source != "" {
		text = m.Source + " on " + text
	}
	if m.ReadOnly {
		text += ", read only"
	}
	return m.Type + " " + text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
