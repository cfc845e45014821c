package screens

import (
	"fmt"
	"strings"
	"time"

	"gantry/engine"
	"gantry/keymap"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// Images lists the images in the store, one row for every name, with the pulls
// that are under way above them.
type Images struct {
	list
	images  []engine.Image
	users   map[string][]engine.Container // by image ID
	pulls   []Pull
	newest  int          // pull, selected when it began
	folded  map[int]bool // pulls shown without their layers
	rows    map[string]imageRow
	now     time.Time
	waiting string // a name to select once it is listed
}

// imageRow is what a row of the table stands for.
type imageRow struct {
	name  string // "" for an image without one
	image engine.Image
}

// ref is what the engine finds the row by.
func (r imageRow) ref() string {
	if r.name != "" {
		return r.name
	}
	return r.image.ID.String()
}

// show is what people call it.
func (r imageRow) show() string {
	if r.name != "" {
		return r.name
	}
	return ShortID(r.image.ID.String())
}

type imagesReadMsg struct {
	images     []engine.Image
	containers []engine.Container
	err        error
	now        time.Time
}

type imagesRemovedMsg struct {
	names  []string
	failed map[string]error
}

// NewImages returns the images screen.
func NewImages(env *Env) *Images {
	s := &Images{folded: map[int]bool{}}
	s.list = list{env: env, sortBy: -1, load: s.read, rebuild: s.build}
	s.table.Columns = []widget.Column{
		{Title: "NAME", Min: 16, Max: 52},
		{Title: "TAG", Min: 6, Max: 28},
		{Title: "ID", Drop: 3},
		{Title: "CREATED", Drop: 2, Right: true},
		{Title: "SIZE", Min: 6, Right: true},
		{Title: "USED", Drop: 1},
	}
	return s
}

// Title is the breadcrumb.
func (s *Images) Title() string { return "images" }

// Scope is where the screen's keys are in the table.
func (s *Images) Scope() keymap.Scope { return keymap.Images }

// Init reads the list.
func (s *Images) Init() tea.Cmd { return tea.Batch(s.reload(), mentionSlow(s)) }

// Close does nothing: a top-level screen lives as long as the program.
func (s *Images) Close() {}

func (s *Images) read() tea.Msg {
	images, err := s.env.Images.Images(s.env.Ctx)
	msg := imagesReadMsg{images: images, err: err, now: s.env.Now()}
	// Without containers the list is still worth showing.
	msg.containers, _ = s.env.Lister.Containers(s.env.Ctx)
	return msg
}

// Update hears what became of the screen's commands and of the store.
func (s *Images) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case imagesReadMsg:
		if msg.err == nil {
			s.images, s.users, s.now = msg.images, map[string][]engine.Container{}, msg.now
			for _, c := range msg.containers {
				s.users[c.ImageID.String()] = append(s.users[c.ImageID.String()], c)
			}
		}
		cmd := s.arrived(msg.err)
		s.build()
		return cmd
	case imagesRemovedMsg:
		return s.removed(msg)
	case imagesWeighedMsg:
		msg.ask.tell(s.whatGoes(msg.rows, msg.sizes))
	case imagesPruneSeenMsg:
		s.previewed(msg)
	case imagesPrunedMsg:
		return s.pruned(msg)
	case PullsMsg:
		s.pulls = msg.Pulls
		s.build()
		if n := len(s.pulls); n > 0 && s.pulls[n-1].ID > s.newest {
			s.newest = s.pulls[n-1].ID
			s.table.Select(pullRowID(s.pulls[n-1]))
		}
	case ChangedMsg:
		if msg.Kinds["images"] || msg.Kinds["containers"] {
			return s.reload()
		}
	case ClockMsg:
		s.now = msg.Now
		s.build()
	case GoMsg:
		if msg.To == keymap.ToImages && msg.Select != "" {
			s.waiting = msg.Select
			s.build()
		}
	case slowMsg:
		if msg.of == s && !s.loaded {
			s.slow = true
			s.build()
		}
	}
	return nil
}

// Summary counts the images and what they hold.
func (s *Images) Summary() string {
	if !s.loaded || s.err != nil || len(s.images) == 0 {
		return ""
	}
	var size int64
	for _, i := range s.images {
		size += i.Size
	}
	return plural(len(s.images), "image", "images") + " " + s.env.Theme.Glyphs.Dot + " " + widget.Size(size)
}

// Do carries out an action.
func (s *Images) Do(action keymap.Action) tea.Cmd {
	if cmd, done := s.do(action); done {
		return cmd
	}
	row, onImage := s.rows[s.table.SelectedID()]
	switch action {
	case keymap.Pull:
		return s.env.Ask(s.askPull(""))
	case keymap.Open:
		if id, ok := s.selectedPull(); ok {
			return s.openPull(id)
		}
		if onImage {
			return s.env.Open(NewLayers(s.env, row.ref()))
		}
	case keymap.Details:
		if onImage {
			return s.env.Open(NewImageDetail(s.env, row))
		}
	case keymap.Run:
		if onImage {
			return s.env.Ask(NewRunForm(s.env, row.image, row.ref()))
		}
	case keymap.UsersOf:
		if onImage {
			return s.env.Go(GoMsg{To: keymap.ToContainers, Filter: row.ref()})
		}
	case keymap.CopyID:
		if onImage {
			return tea.Batch(tea.SetClipboard(row.image.ID.String()), Toast(theme.Plain, "copied "+ShortID(row.image.ID.String())))
		}
	case keymap.Delete:
		return s.delete()
	case keymap.Prune:
		return s.prune()
	}
	return nil
}

// Why says why an action cannot be done now.
func (s *Images) Why(action keymap.Action) string {
	row, onImage := s.rows[s.table.SelectedID()]
	_, onPull := s.selectedPull()
	switch action {
	case keymap.Run, keymap.UsersOf, keymap.CopyID, keymap.Details:
		if !onImage {
			return "no image is selected"
		}
		if action == keymap.Run && row.image.Damaged != "" {
			return "the image is damaged: " + row.image.Damaged
		}
		if action == keymap.UsersOf && len(s.users[row.image.ID.String()]) == 0 {
			return "no container uses " + row.show()
		}
	case keymap.Open, keymap.Delete:
		if !onImage && !onPull {
			return "no image is selected"
		}
		if action == keymap.Delete && !onPull {
			return s.whyKept()
		}
	}
	if action == keymap.Prune && s.env.Pruner == nil {
		return "images cannot be pruned here"
	}
	return s.why(action)
}

// whyKept says which of the targets cannot go.
func (s *Images) whyKept() string {
	for _, id := range s.table.Targets() {
		row, ok := s.rows[id]
		if users := s.users[row.image.ID.String()]; ok && len(users) > 0 && s.lastNames(row.image) {
			return fmt.Sprintf("%s is used by %s: delete that first", row.show(), names(containerNames(users), 2))
		}
	}
	return ""
}

// lastNames reports whether all of an image's names are among the targets, so
// that deleting them deletes the image.
func (s *Images) lastNames(image engine.Image) bool {
	n := 0
	for _, id := range s.table.Targets() {
		if s.rows[id].image.ID == image.ID {
			n++
		}
	}
	return n >= len(image.Names)
}

func (s *Images) askPull(value string) Dialog {
	return Ask(s.env, "pull an image", value, "debian:bookworm", "name[:tag], or host/path[:tag]; the default is docker.io",
		func(ref string) (tea.Cmd, error) {
			if ref == "" {
				return nil, fmt.Errorf("type the name of an image, such as debian:bookworm")
			}
			if strings.ContainsAny(ref, " \t") {
				return nil, fmt.Errorf("a name has no spaces")
			}
			return say(PullMsg{ref}), nil
		})
}
