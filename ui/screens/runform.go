package screens

import (
	"errors"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// runForm asks how to run a new container from an image.
type runForm struct {
	env   *Env
	image string
	usual runFields // what the image says by itself
	form  widget.Form
}

// createdMsg says that a container was created, and whether it was started
// without anyone attached.
type createdMsg struct {
	container engine.Container
	attach    bool
	err       error
}

// NewRunForm returns the form for image, found by ref.
func NewRunForm(env *Env, image engine.Image, ref string) Dialog {
	usual := usualFields(image.Config.Config)
	text := func(value, placeholder string) *widget.Input { return widget.NewInput(value, placeholder) }
	program := "the image names none: type one"
	if entry := image.Config.Config.Entrypoint; len(entry) > 0 {
		program = "arguments of " + printableWords(entry)
	}
	return &runForm{env: env, image: ref, usual: usual, form: widget.Form{Fields: []*widget.FormField{
		{Name: "command", Label: "command", Input: text(usual.command, program)},
		{Name: "name", Label: "name", Input: text("", "chosen for you")},
		{Name: "tty", Label: "terminal", On: usual.tty, Note: "interactive, attached at once"},
		{Name: "rm", Label: "throw away", Note: "remove it when it exits"},
		{Name: "network", Label: "network", Choices: []string{"bridge", "none", "host"}},
		{Name: "ports", Label: "ports", Input: text(usual.ports, "8080:80, 127.0.0.1:53:53/udp")},
		{Name: "volumes", Label: "volumes", Input: text("", "/srv/data:/data, cache:/var/cache:ro")},
		{Name: "env", Label: "environment", Input: text(usual.env, "NAME=value OTHER='two words'")},
		{Name: "user", Label: "user", Input: text(usual.user, "root")},
		{Name: "dir", Label: "directory", Input: text(usual.dir, "/")},
	}}}
}

func (d *runForm) Scope() keymap.Scope { return keymap.Dialogs }

func (d *runForm) Keys() []keymap.Action {
	return []keymap.Action{keymap.Accept, keymap.NextField, keymap.ToggleItem, keymap.Cancel}
}

func (d *runForm) Paste(msg tea.PasteMsg) { d.form.Update(msg) }

func (d *runForm) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch b, _ := d.env.Keys.Lookup(keymap.Dialogs, msg.String()); b.Action {
	case keymap.Accept:
		return d.submit()
	case keymap.Cancel:
		return nil, true
	case keymap.NextField:
		d.form.Next(1)
		return nil, false
	case keymap.PrevField:
		d.form.Next(-1)
		return nil, false
	case keymap.ToggleItem:
		if d.form.Toggle() {
			return nil, false
		}
	}
	d.form.Update(msg)
	return nil, false
}

func (d *runForm) fields() runFields {
	value := func(name string) string { return d.form.Field(name).Value() }
	f := runFields{
		command: value("command"), name: value("name"), network: value("network"),
		ports: value("ports"), volumes: value("volumes"), env: value("env"),
		user: value("user"), dir: value("dir"),
		tty: d.form.Field("tty").On, rm: d.form.Field("rm").On,
	}
	return f.changed(d.usual)
}

func (d *runForm) submit() (tea.Cmd, bool) {
	spec, err := d.fields().spec(d.image)
	var bad fieldError
	if errors.As(err, &bad) {
		d.form.Fail(bad.field, bad.text)
		return nil, false
	}
	return func() tea.Msg { return create(d.env, spec) }, true
}

// create makes the container and, unless the terminal is to be attached,
// starts it.
func create(env *Env, spec engine.RunSpec) tea.Msg {
	c, err := env.Creator.Create(env.Ctx, spec, engine.NewLatest())
	if err == nil && !spec.Tty {
		err = env.Containers.Start(env.Ctx, c.ID)
	}
	return createdMsg{c, spec.Tty, err}
}

func (d *runForm) Draw(width, height int) ([]string, int, int) {
	t, inner := d.env.Theme, boxWidth(width, 72)
	fields, x, y := d.form.View(t, inner)
	lines := append([]string{""}, fields...)
	lines = append(lines, "")
	for i, part := range widget.WrapText(engine.Printable(d.fields().commandLine(d.image)), inner) {
		if i < max(1, height-len(fields)-8) {
			lines = append(lines, t.Paint(theme.Muted, part))
		}
	}
	if x >= 0 {
		x, y = x+2, y+2
	}
	return widget.Box(t, "run "+engine.Printable(d.image), lines, inner), x, y
}
