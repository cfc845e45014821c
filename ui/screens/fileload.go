package screens

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"gantry/ui/viewer"
)

// mostBuffered is how much of a file is kept when its source can only be read
// from the start.
const mostBuffered = 8 << 20

// fileJob is everything a command needs to know to read a window of a file.
type fileJob struct {
	path    string
	version fileVersion
	before  *fileVersion // to compare with
	mode    fileMode
	starts  []viewer.Place
	line    int
}

// run reads the window and says how much of the file the source gives.
func (j fileJob) run(ctx context.Context) (page viewer.Page, starts []viewer.Place, ends int64, err error) {
	f, done, err := j.open(ctx, j.version)
	if err != nil {
		return page, nil, 0, err
	}
	defer done()
	if j.before != nil {
		old, done, err := j.open(ctx, *j.before)
		if err != nil {
			return page, nil, 0, err
		}
		defer done()
		page, err = viewer.Diff(old, f)
		return page, nil, f.Size, err
	}
	kind := viewer.Bytes
	if j.mode != asBytes {
		if kind, err = viewer.Sniff(f); err != nil {
			return page, nil, 0, err
		}
	}
	if len(j.starts) > 0 {
		page, err = viewer.Render(ctx, f, kind, j.starts[len(j.starts)-1])
		return page, j.starts, f.Size, err
	}
	page, starts, err = j.upTo(ctx, f, kind)
	return page, starts, f.Size, err
}

// upTo reads windows from the start until one has the wanted line.
func (j fileJob) upTo(ctx context.Context, f viewer.File, kind viewer.Kind) (viewer.Page, []viewer.Place, error) {
	starts := []viewer.Place{{}}
	for {
		page, err := viewer.Render(ctx, f, kind, starts[len(starts)-1])
		if err != nil || ctx.Err() != nil || page.Next.Line >= j.line || page.Next.Offset >= f.Size {
			return page, starts, err
		}
		starts = append(starts, page.Next)
	}
}

// open makes a version readable at any place: a file on disk is, the beginning
// of anything else is kept in memory.
func (j fileJob) open(ctx context.Context, v fileVersion) (f viewer.File, done func(), err error) {
	content, err := v.source.Open(ctx, v.version.Layer, j.path)
	if err != nil {
		return viewer.File{}, nil, err
	}
	f = viewer.File{Name: j.path, Size: content.Version.Size}
	if at, ok := content.ReadCloser.(io.ReaderAt); ok {
		f.ReaderAt = at
		return f, func() { _ = content.Close() }, nil
	}
	data, err := io.ReadAll(io.LimitReader(content, mostBuffered))
	_ = content.Close()
	if err != nil {
		return viewer.File{}, nil, fmt.Errorf("after %d bytes: %w", len(data), err)
	}
	f.Size, f.ReaderAt = int64(len(data)), bytes.NewReader(data)
	return f, func() {}, nil
}
