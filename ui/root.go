package ui

import (
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/screens"
	"gantry/ui/theme"

	tea "charm.land/bubbletea/v2"
)

// root is the one model: it owns the screens, the dialogs over them, the toast
// and the jobs, and gives every message to whom it concerns.
type root struct {
	env     *screens.Env
	opts    Options
	backend Backend
	keyErr  error // of the user's key file

	images     *screens.Images
	containers *screens.Containers
	stack      []screens.Screen // the first is images or containers
	dialogs    []screens.Dialog
	toast      toast
	toasts     int
	pulls      []*pull
	pullCount  int
	changes    <-chan engine.Change
	frames     *frames

	width, height int
}

// toast is a remark in the bottom rule that goes by itself.
type toast struct {
	id   int
	role theme.Role
	text string
}

type toastOverMsg struct{ id int }

// toastTime is how long a toast stays.
const toastTime = 5 * time.Second

// Init starts reading both lists and watching the store.
func (r *root) Init() tea.Cmd {
	cmds := []tea.Cmd{r.images.Init(), r.containers.Init(), r.watch(), tick()}
	if r.keyErr != nil {
		r.ask(screens.Notice(r.env, "keys", "The key file is not used: "+r.keyErr.Error()))
	}
	return tea.Batch(cmds...)
}

// Update gives msg to whom it concerns.
func (r *root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		r.width, r.height = msg.Width, msg.Height
		r.resize()
		return r, nil
	case tea.KeyPressMsg:
		return r, r.key(msg)
	case tea.PasteMsg:
		return r, r.paste(msg)
	case screens.ToastMsg:
		return r, r.say(msg)
	case toastOverMsg:
		if msg.id == r.toast.id {
			r.toast = toast{}
		}
		return r, nil
	case takenBackMsg:
		_, cmd := r.Update(msg.then)
		return r, tea.Batch(r.seeDrawn(msg.wait), cmd)
	case tea.ResumeMsg:
		return r, r.seeDrawn(frozen)
	case frozenMsg:
		return r, thaw(msg)
	case screens.AttachEndedMsg:
		return r, tea.Batch(r.left(msg), r.broadcast(screens.ChangedMsg{Kinds: map[string]bool{"containers": true}}))
	}
	if cmd, mine := r.background(msg); mine {
		return r, cmd
	}
	return r, r.broadcast(msg)
}

// background handles what jobs and watches report.
func (r *root) background(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case screens.PullMsg:
		return r.startPull(msg.Ref), true
	case screens.StopPullMsg:
		return r.stopPull(msg.ID), true
	case pullMovedMsg:
		return r.pullMoved(msg), true
	case pullEndedMsg:
		return r.pullEnded(msg), true
	case watchingMsg:
		return r.watching(msg), true
	case changesMsg:
		return tea.Batch(r.broadcast(screens.ChangedMsg(msg)), r.awaitChange()), true
	case screens.ClockMsg:
		return tea.Batch(r.broadcast(msg), tick()), true
	case outputMsg:
		return tea.Batch(r.broadcast(msg.result), msg.again), true
	}
	return nil, false
}

// live lists every screen that may be waiting for an answer.
func (r *root) live() []screens.Screen {
	return append([]screens.Screen{r.images, r.containers}, r.stack[1:]...)
}

func (r *root) broadcast(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, s := range r.live() {
		if cmd := s.Update(msg); cmd != nil {
			cmds = append(cmds, cmd)
		}
	}
	return tea.Batch(cmds...)
}

func (r *root) top() screens.Screen { return r.stack[len(r.stack)-1] }

func (r *root) open(s screens.Screen) tea.Cmd {
	r.stack = append(r.stack, s)
	s.SetSize(r.bodySize())
	return s.Init()
}

// back leaves the top screen; it reports false on the last one.
func (r *root) back() bool {
	if len(r.stack) == 1 {
		return false
	}
	r.top().Close()
	r.stack = r.stack[:len(r.stack)-1]
	return true
}

// goTo leaves all screens for a top-level one.
func (r *root) goTo(action keymap.Action) {
	for r.back() {
	}
	r.stack[0] = r.images
	if action == keymap.ToContainers {
		r.stack[0] = r.containers
	}
}

// visit goes to a top-level screen and tells the screens why.
func (r *root) visit(msg screens.GoMsg) tea.Cmd {
	r.goTo(msg.To)
	return r.broadcast(msg)
}

func (r *root) ask(d screens.Dialog) tea.Cmd {
	r.dialogs = append(r.dialogs, d)
	return nil
}

func (r *root) resize() {
	for _, s := range r.live() {
		s.SetSize(r.bodySize())
	}
}

func (r *root) say(msg screens.ToastMsg) tea.Cmd {
	r.toasts++
	r.toast = toast{r.toasts, msg.Role, msg.Text}
	id := r.toasts
	return tea.Tick(toastTime, func(time.Time) tea.Msg { return toastOverMsg{id} })
}

// tick asks for the time in a minute: ages are shown no finer.
func tick() tea.Cmd {
	return tea.Tick(time.Minute, func(now time.Time) tea.Msg { return screens.ClockMsg{Now: now} })
}
