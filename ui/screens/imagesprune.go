package screens

import (
	"context"
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/theme"
	"gantry/ui/widget"

	tea "charm.land/bubbletea/v2"
)

// ImagePruner removes images that nobody needs.
type ImagePruner interface {
	PruneImages(ctx context.Context, o engine.PruneOptions) (engine.PruneResult, error)
}

type (
	// imagesPruneSeenMsg says what a prune would do.
	imagesPruneSeenMsg struct {
		ask    *confirm
		result engine.PruneResult
		err    error
	}
	imagesPrunedMsg struct {
		result engine.PruneResult
		err    error
	}
)

// prune offers what can be pruned; the question that follows says what goes.
func (s *Images) prune() tea.Cmd {
	return s.env.Ask(Choose(s.env, "prune", []widget.MenuItem{
		{ID: "dangling", Label: "images without a name", Note: "and what no image needs"},
		{ID: "all", Label: "all images no container uses", Note: "named ones too"},
	}, func(id string) tea.Cmd { return s.askPrune(engine.PruneOptions{All: id == "all"}) }))
}

// askPrune asks at once, and tells what would go when that is known.
func (s *Images) askPrune(o engine.PruneOptions) tea.Cmd {
	what := "prune images without a name?"
	if o.All {
		what = "prune all images no container uses?"
	}
	ask := newConfirm(s.env, what, []string{"Counting what is freed" + s.env.Theme.Glyphs.Ellipsis},
		func() tea.Cmd { return s.pruneNow(o) })
	preview := o
	preview.DryRun = true
	return tea.Batch(s.env.Ask(ask), func() tea.Msg {
		result, err := s.env.Pruner.PruneImages(s.env.Ctx, preview)
		return imagesPruneSeenMsg{ask, result, err}
	})
}

func (s *Images) pruneNow(o engine.PruneOptions) tea.Cmd {
	return func() tea.Msg {
		result, err := s.env.Pruner.PruneImages(s.env.Ctx, o)
		return imagesPrunedMsg{result, err}
	}
}

// previewed writes what a prune would do into its question.
func (s *Images) previewed(msg imagesPruneSeenMsg) {
	switch n := len(msg.result.Deleted) + len(msg.result.Untagged); {
	case msg.err != nil:
		msg.ask.tell([]string{"What would go cannot be told: " + oneLine(msg.err)})
	case n == 0 && msg.result.Bytes == 0:
		msg.ask.tell([]string{"There is nothing to prune."})
	default:
		msg.ask.tell(s.pruneText(msg.result))
	}
}

func (s *Images) pruneText(r engine.PruneResult) []string {
	const most = 8
	var text []string
	for i, name := range r.Untagged {
		if i == most {
			text = append(text, fmt.Sprintf("and %d more", len(r.Untagged)-most))
			break
		}
		text = append(text, name)
	}
	if len(text) > 0 {
		text = append(text, "")
	}
	if n := len(s.imagesAmong(r.Deleted)); n > 0 {
		return append(text, fmt.Sprintf("%s and %s are freed.", plural(n, "image goes", "images go"), widget.Size(r.Bytes)))
	}
	return append(text, fmt.Sprintf("%s are freed.", widget.Size(r.Bytes)))
}

// imagesAmong are those of the deleted digests that were images.
func (s *Images) imagesAmong(deleted []string) []string {
	var out []string
	for _, image := range s.images {
		for _, d := range deleted {
			if strings.TrimPrefix(d, "sha256:") == strings.TrimPrefix(image.ID.String(), "sha256:") {
				out = append(out, d)
			}
		}
	}
	return out
}

func (s *Images) pruned(msg imagesPrunedMsg) tea.Cmd {
	if msg.err != nil {
		return tea.Batch(s.reload(), failed(s.env, "pruning", msg.err))
	}
	text := "freed " + widget.Size(msg.result.Bytes)
	if msg.result.Busy {
		text += "; others use the store, the next prune frees the rest"
	}
	return tea.Batch(s.reload(), Toast(theme.Success, text))
}
