package screens

import (
	"fmt"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Containers lists the containers with their states.
type Containers struct {
	list
	containers []engine.Container
	byID       map[string]engine.Container
	busy       map[string]string // what is being done to a container, by ID
	running    bool              // show only those that run
	now        time.Time
	waiting    string // an ID to select once it is listed
}

type containersReadMsg struct {
	containers []engine.Container
	err        error
	now        time.Time
}

// NewContainers returns the containers screen.
func NewContainers(env *Env) *Containers {
	s := &Containers{busy: map[string]string{}}
	s.list = list{env: env, sortBy: -1, load: s.read, rebuild: s.build}
	s.table.Columns = []widget.Column{
		{Title: "NAME", Min: 12, Max: 36},
		{Title: "IMAGE", Min: 10, Max: 40, Drop: 1},
		{Title: "STATUS", Min: 10},
		{Title: "PORTS", Max: 44, Drop: 2},
		{Title: "CREATED", Drop: 4, Right: true},
		{Title: "ID", Drop: 6},
		{Title: "COMMAND", Min: 10, Drop: 5, Grow: true},
	}
	return s
}

// Title is the breadcrumb.
func (s *Containers) Title() string { return "containers" }

// Scope is where the screen's keys are in the table.
func (s *Containers) Scope() keymap.Scope { return keymap.Containers }

// Init reads the list.
func (s *Containers) Init() tea.Cmd { return tea.Batch(s.reload(), mentionSlow(s)) }

// Close does nothing: a top-level screen lives as long as the program.
func (s *Containers) Close() {}

func (s *Containers) read() tea.Msg {
	containers, err := s.env.Lister.Containers(s.env.Ctx)
	return containersReadMsg{containers, err, s.env.Now()}
}

// Update hears what became of the screen's commands and of the store.
func (s *Containers) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case containersReadMsg:
		if msg.err == nil {
			s.containers, s.now = msg.containers, msg.now
		}
		cmd := s.arrived(msg.err)
		s.build()
		return cmd
	case containersDoneMsg:
		return s.done(msg)
	case createdMsg:
		return s.created(msg)
	case sessionsReadMsg:
		return s.offerSessions(msg)
	case ChangedMsg:
		if msg.Kinds["containers"] {
			return s.reload()
		}
	case ClockMsg:
		s.now = msg.Now
		s.build()
	case GoMsg:
		if msg.To == keymap.ToContainers {
			s.goTo(msg)
		}
	case slowMsg:
		if msg.of == s && !s.loaded {
			s.slow = true
			s.build()
		}
	}
	return nil
}

func (s *Containers) goTo(msg GoMsg) {
	if msg.Filter != "" {
		s.filter, s.running = msg.Filter, false
	}
	if msg.Select != "" {
		s.waiting = msg.Select
	}
	s.build()
}

func (s *Containers) created(msg createdMsg) tea.Cmd {
	if msg.container.ID == "" {
		return failed(s.env, "running", msg.err)
	}
	name := displayName(msg.container)
	show := s.env.Go(GoMsg{To: keymap.ToContainers, Select: msg.container.ID})
	switch {
	case msg.err != nil:
		return tea.Batch(show, s.reload(), failed(s.env, "starting "+name, msg.err))
	case msg.attach:
		return tea.Sequence(show, s.env.Attach(AttachRequest{ID: msg.container.ID, Name: name, Start: true}))
	default:
		return tea.Batch(show, s.reload(), Toast(theme.Success, name+" runs"))
	}
}

// Summary counts the containers by whether they run.
func (s *Containers) Summary() string {
	if !s.loaded || s.err != nil || len(s.containers) == 0 {
		return ""
	}
	running := 0
	for _, c := range s.containers {
		if live(c) {
			running++
		}
	}
	return fmt.Sprintf("%d running %s %d in all", running, s.env.Theme.Glyphs.Dot, len(s.containers))
}

// Status adds what is hidden to where we are.
func (s *Containers) Status() string {
	text := s.list.Status()
	if text != "" && s.running {
		text += " " + s.env.Theme.Glyphs.Dot + " stopped ones hidden"
	}
	return text
}

// Do carries out an action.
func (s *Containers) Do(action keymap.Action) tea.Cmd {
	if cmd, done := s.do(action); done {
		return cmd
	}
	c, ok := s.byID[s.table.SelectedID()]
	if action == keymap.ShowAll {
		s.running = !s.running
		s.build()
		return nil
	}
	if !ok {
		return nil
	}
	switch action {
	case keymap.Open, keymap.Inspect:
		return s.env.Open(NewContainerDetail(s.env, c))
	case keymap.ShowLogs:
		return s.env.Open(NewLogs(s.env, c))
	case keymap.CopyID:
		return tea.Batch(tea.SetClipboard(c.ID), Toast(theme.Plain, "copied "+ShortID(c.ID)))
	case keymap.Attach:
		return s.env.Attach(AttachRequest{ID: c.ID, Name: displayName(c)})
	case keymap.Shell:
		return s.readSessions(c)
	case keymap.StartStop, keymap.Restart, keymap.Pause:
		return s.change(action)
	case keymap.Kill, keymap.Delete:
		return s.askChange(action)
	}
	return nil
}

// Why says why an action cannot be done now.
func (s *Containers) Why(action keymap.Action) string {
	switch action {
	case keymap.Open, keymap.Inspect, keymap.ShowLogs, keymap.CopyID, keymap.Delete,
		keymap.StartStop, keymap.Restart, keymap.Pause, keymap.Kill, keymap.Attach, keymap.Shell:
	default:
		return s.why(action)
	}
	targets := s.table.Targets()
	if len(targets) == 0 {
		return "no container is selected"
	}
	switch action {
	case keymap.Open, keymap.Inspect, keymap.ShowLogs, keymap.CopyID, keymap.Attach, keymap.Shell:
		targets = []string{s.table.SelectedID()}
	}
	for _, id := range targets {
		if why := whyNot(s.byID[id], action, s.busy[id]); why != "" {
			return displayName(s.byID[id]) + " " + why
		}
	}
	return ""
}

// whyNot says what keeps action from one container.
func whyNot(c engine.Container, action keymap.Action, busy string) string {
	status := c.State.Status
	switch action {
	case keymap.Open, keymap.Inspect, keymap.CopyID:
		return ""
	}
	if busy != "" {
		return "is " + busy + ": wait for that"
	}
	if c.Damaged != "" && action != keymap.Delete {
		return "is damaged: " + c.Damaged
	}
	switch action {
	case keymap.Attach, keymap.Shell:
		if status == engine.Paused {
			return "is paused: resume it first"
		}
		if status != engine.Running {
			return "does not run: start it first"
		}
	case keymap.Kill, keymap.Pause:
		if !live(c) {
			return "does not run"
		}
	}
	return ""
}

func live(c engine.Container) bool {
	return c.State.Status == engine.Running || c.State.Status == engine.Paused
}

func displayName(c engine.Container) string {
	if c.Name != "" {
		return c.Name
	}
	return ShortID(c.ID)
}
