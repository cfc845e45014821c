package ui

import (
	"gantry/engine"
	"gantry/ui/screens"
)

// layerIndex narrows the engine's index to what the inspector sees: trees are
// an interface there, and an error must not come with a typed nil.
type layerIndex struct{ *engine.LayerIndex }

// Layers is an engine's open image as the inspector sees it.
func Layers(x *engine.LayerIndex) screens.LayerSource { return layerIndex{x} }

// LayerDiff is an engine's comparison of images as the inspector sees it.
func LayerDiff(d *engine.ImageDiff) screens.LayerDiff { return layerDiff{d} }

func openLayers(x *engine.LayerIndex, err error) (screens.LayerSource, error) {
	if err != nil {
		return nil, err
	}
	return layerIndex{x}, nil
}

func (x layerIndex) View(from, to int, o engine.LayerViewOptions, like screens.LayerTree) (screens.LayerTree, error) {
	o.Like, _ = like.(*engine.LayerView)
	v, err := x.LayerIndex.View(from, to, o)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// layerDiff does the same for two images.
type layerDiff struct{ diff *engine.ImageDiff }

func compareLayers(d *engine.ImageDiff, err error) (screens.LayerDiff, error) {
	if err != nil {
		return nil, err
	}
	return layerDiff{d}, nil
}

func (d layerDiff) Images() (a, b screens.LayerSource) {
	return layerIndex{d.diff.A}, layerIndex{d.diff.B}
}

func (d layerDiff) Close() error { return d.diff.Close() }

func (d layerDiff) View(o engine.LayerViewOptions, like screens.LayerTree) (screens.LayerTree, error) {
	o.Like, _ = like.(*engine.LayerView)
	v, err := d.diff.View(o)
	if err != nil {
		return nil, err
	}
	return v, nil
}
