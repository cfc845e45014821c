package images

import (
	"context"

	"gantry/internal/termsafe"
)

// History lists an image's instructions, newest first.
func (im *Images) History(ctx context.Context, nameOrID string) ([]HistoryEntry, error) {
	img, err := im.Resolve(ctx, nameOrID)
	if err != nil {
		return nil, err
	}
	var out []HistoryEntry
	next := 0 // layer
	for _, h := range img.Config.History {
		e := HistoryEntry{
			ID: "<missing>", CreatedBy: termsafe.Line(h.CreatedBy), Comment: termsafe.Line(h.Comment), Empty: h.EmptyLayer,
		}
		if h.Created != nil {
			e.Created = *h.Created
		}
		if !h.EmptyLayer && next < len(img.Layers) {
			im.addLayer(&e, img, next)
			next++
		}
		out = append(out, e)
	}
	for ; next < len(img.Layers); next++ { // layers the history does not know
		e := HistoryEntry{ID: "<missing>"}
		im.addLayer(&e, img, next)
		out = append(out, e)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	if len(out) > 0 {
		out[0].ID = img.ID.String()
	}
	return out, nil
}

func (im *Images) addLayer(e *HistoryEntry, img Image, i int) {
	e.DiffID = img.Layers[i]
	if l, err := im.layers.Get(e.DiffID); err == nil {
		e.Size = l.Size
	}
}
