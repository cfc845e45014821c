package headless

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf16"

	"gantry/engine"
)

// headers are the titles of a listing's columns, by the field they show.
type headers map[string]string

// Label is the title of a {{.Label "a.b-c"}} column.
func (headers) Label(name string) string {
	parts := strings.Split(name, ".")
	return strings.NewReplacer("-", " ", "_", " ").Replace(parts[len(parts)-1])
}

// view is how a listing is printed.
type view struct {
	format string // as given; "" is the table
	table  string // the table's template, without the word table
	quiet  bool   // only IDs
	titles headers
}

// printRows writes rows as the view says: a table with titles, one JSON object
// a line, or a template for each.
func printRows[T any](w io.Writer, v view, rows []T) error {
	format := v.format
	switch {
	case v.quiet && (format == "" || format == "table"):
		format = "{{.ID}}"
	case format == "" || format == "table":
		format = "table " + v.table
	case format == "json":
		return printJSONLines(w, rows)
	}
	format, tabular := strings.CutPrefix(format, "table")
	if !tabular {
		return printEach(w, format, rows)
	}
	format = strings.TrimSpace(format)
	tw := tabwriter.NewWriter(w, 10, 1, 3, ' ', 0)
	if err := printTitles(tw, format, v.titles); err != nil {
		return err
	}
	if err := printEach(tw, format, rows); err != nil {
		return err
	}
	return tw.Flush()
}

func printTitles(w io.Writer, format string, titles headers) error {
	t, err := parseTemplate(format)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Funcs(headerFunctions()).Execute(&b, titles); err != nil {
		return fmt.Errorf("template parsing error: %w", err)
	}
	_, err = fmt.Fprintln(w, b.String())
	return err
}

func printEach[T any](w io.Writer, format string, rows []T) error {
	t, err := parseTemplate(format)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, row := range rows {
		b.Reset()
		if err := t.Execute(&b, row); err != nil {
			return fmt.Errorf("template parsing error: %w", err)
		}
		b.WriteByte('\n')
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func printJSONLines[T any](w io.Writer, rows []T) error {
	for _, row := range rows {
		line, err := compactJSON(row)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// printJSON writes v indented as Docker's inspect does.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	return enc.Encode(v)
}

// jsonOut is standard output for JSON. Encoding leaves some characters as they
// are that steer a terminal; there they are escaped too.
func (a *app) jsonOut() io.Writer {
	if a.outTTY {
		return jsonEscaper{a.Out}
	}
	return a.Out
}

type jsonEscaper struct{ w io.Writer }

func (e jsonEscaper) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for _, r := range string(p) { // encoders write whole values, so whole runes
		if r == '\n' || engine.Printable(string(r)) == string(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	_, err := e.w.Write(b.Bytes())
	return len(p), err
}
