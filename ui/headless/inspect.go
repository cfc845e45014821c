package headless

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"gantry/engine"
)

// inspect prints objects in Docker's field names. kind is "", container or
// image.
func (a *app) inspect(kind string) *cobra.Command {
	what := "NAME|ID [NAME|ID...]"
	var format string
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] " + what,
		Short: "Print all that is known of objects",
		Args:  between(1, -1),
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "json, or a Go `template`")
	if kind == "" {
		cmd.Flags().StringVar(&kind, "type", "", "Only `container` or image")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if kind != "" && kind != "container" && kind != "image" {
			return fmt.Errorf("%q is not a valid value for --type: container or image", kind)
		}
		var t *template.Template
		if format != "" && format != "json" {
			var err error
			if t, err = parseTemplate(format); err != nil {
				return err
			}
			t.Option("missingkey=error")
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		return a.inspectAll(cmd.Context(), e, kind, args, format, t)
	}
	return cmd
}

// inspectAll prints what it finds, on standard output, and then says what it
// did not find.
func (a *app) inspectAll(ctx context.Context, e door, kind string, names []string, format string,
	t *template.Template) error {
	found := []any{}
	var missed []error
	for _, name := range names {
		object, err := a.lookUp(ctx, e, kind, name)
		if err != nil {
			missed = append(missed, err)
			continue
		}
		found = append(found, object)
	}
	if t != nil {
		for _, object := range found {
			if err := a.printFields(t, object); err != nil {
				return err
			}
		}
	} else if format == "json" {
		if err := printJSONLines(a.jsonOut(), []any{found}); err != nil {
			return err
		}
	} else if err := printJSON(a.jsonOut(), found); err != nil {
		return err
	}
	for _, err := range missed {
		fmt.Fprintln(a.Err, engine.Printable(err.Error()))
	}
	if len(missed) > 0 {
		return exit(1)
	}
	return nil
}

// lookUp finds an object of the kind, of any kind a container before an image.
func (a *app) lookUp(ctx context.Context, e door, kind, name string) (any, error) {
	var err error
	if kind != "image" {
		var c engine.Container
		if c, err = e.Container(ctx, name); err == nil {
			return containerDetails(c), nil
		}
	}
	if kind != "container" && (err == nil || errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrInvalid)) {
		var img engine.Image
		if img, err = e.Image(ctx, name); err == nil {
			return imageDetails(img), nil
		}
	}
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrInvalid) {
		return nil, fmt.Errorf("Error: No such %s: %s", objectName(kind), name)
	}
	return nil, err
}

func objectName(kind string) string {
	if kind == "" {
		return "object"
	}
	return kind
}

// printFields runs a template over the object and, for fields only its JSON
// has, over that.
func (a *app) printFields(t *template.Template, object any) error {
	var b bytes.Buffer
	if first := t.Execute(&b, object); first != nil {
		b.Reset()
		generic, err := asMap(object)
		if err != nil {
			return err
		}
		if err := t.Execute(&b, generic); err != nil {
			return fmt.Errorf("template parsing error: %w", err)
		}
	}
	text := b.String()
	if a.outTTY { // fields are foreign; line breaks may be the template's
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = engine.Printable(strings.ReplaceAll(line, "\t", "    "))
		}
		text = strings.Join(lines, "\n")
	}
	fmt.Fprintln(a.Out, text)
	return nil
}

func asMap(object any) (map[string]any, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // as it is written, not 1e+09
	return m, dec.Decode(&m)
}
