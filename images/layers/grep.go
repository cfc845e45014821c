package layers

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"gantry/internal/termsafe"
	"gantry/store"
)

// GrepOptions say what to search for in files' content.
type GrepOptions struct {
	Pattern  Pattern // Substring or Regexp
	From, To int     // layers
	Paths    Pattern // only in these files
	MaxSize  int64   // of a file; 0: 64 MiB
	Live     bool    // only what is there after To
}

// GrepHit is a line that matches.
type GrepHit struct {
	Layer  int    `json:"layer"`
	Path   string `json:"path"`
	Line   int    `json:"line"`   // from 1; 0 in a binary file, of which only the first match is told
	Offset int64  `json:"offset"` // of the line in the file
	Text   string `json:"text"`   // printable, cut where it is long
}

const (
	grepMaxSize = 64 << 20
	grepBuffer  = 64 << 10 // a longer line is searched in parts
	grepText    = 400
)

var errEnough = errors.New("enough")

// Grep calls found for each line that matches, layer by layer, until all is
// read, found returns false, or ctx ends.
func (x *Index) Grep(ctx context.Context, o GrepOptions, found func(GrepHit) bool) error {
	if o.Pattern.Text == "" || o.Pattern.Match == Fuzzy {
		return fmt.Errorf("a content search needs a text or a regular expression: %w", store.ErrInvalid)
	}
	m, err := compile(o.Pattern)
	if err != nil {
		return err
	}
	paths, err := compile(o.Paths)
	if err != nil {
		return err
	}
	g := grep{x: x, m: m, found: found, in: bufio.NewReaderSize(nil, grepBuffer)}
	err = x.each(ctx, x.greppable(o, paths), g.file)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// greppable lists the files to search.
func (x *Index) greppable(o GrepOptions, paths *matcher) []item {
	limit := o.MaxSize
	if limit <= 0 {
		limit = grepMaxSize
	}
	from, to := x.place(o.From-1)+1, x.place(o.To)
	var items []item
	w := newWalker(x)
	for n := int32(1); n < int32(len(x.nodes)); n++ {
		if _, ok := w.match(paths, n); !ok {
			continue
		}
		live, _ := x.state(n, to)
		for i := int32(x.nodes[n].first); i < x.after(n); i++ {
			v := &x.versions[i]
			if v.typ != tar.TypeReg || v.marks&whiteout != 0 || int(v.layer) < from || int(v.layer) > to ||
				v.size == 0 || v.size > limit || o.Live && live.shown != i {
				continue
			}
			items = append(items, item{node: n, version: i, name: n})
		}
	}
	return items
}

type grep struct {
	x     *Index
	m     *matcher
	found func(GrepHit) bool
	in    *bufio.Reader
}

func (g *grep) file(it item, r io.Reader) error {
	g.in.Reset(r)
	head, _ := g.in.Peek(8 << 10) // an error comes again with the first read
	binary := bytes.IndexByte(head, 0) >= 0
	hit := GrepHit{Layer: g.x.stack[g.x.versions[it.version].layer], Path: g.x.path(it.name), Line: 1}
	var at int64
	for {
		line, err := g.in.ReadSlice('\n')
		if _, ok := g.m.match(bytes.TrimSuffix(line, []byte("\n"))); ok && len(line) > 0 {
			hit.Offset, hit.Text = at, g.text(line)
			if binary {
				hit.Line, hit.Text = 0, "binary file matches"
			}
			if !g.found(hit) {
				return errEnough
			}
			if binary {
				return nil
			}
		}
		at += int64(len(line))
		switch {
		case err == nil:
			hit.Line++
		case err == io.EOF:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// text cuts a line so that what matches is in it.
func (g *grep) text(line []byte) string {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) > grepText {
		from := 0
		if g.m.re != nil {
			if at := g.m.re.FindIndex(line); at != nil {
				from = at[0]
			}
		} else {
			from = bytes.Index(g.m.folded(line), g.m.text)
		}
		from = max(0, min(from-grepText/4, len(line)-grepText))
		line = line[from : from+grepText]
	}
	return termsafe.Line(string(bytes.ReplaceAll(line, []byte("\t"), []byte("    "))))
}
