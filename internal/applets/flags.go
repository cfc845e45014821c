package applets

import (
	"fmt"
	"strings"
)

// options are a call's short options, letter to value ("" for a switch).
type options map[byte]string

func (o options) has(letter byte) bool { _, ok := o[letter]; return ok }

// or is the value of an option, or other when it was not given.
func (o options) or(letter byte, other string) string {
	if v, ok := o[letter]; ok {
		return v
	}
	return other
}

// flags parses args by spec as getopt does: a letter followed by ':' takes a
// value. Options may follow operands; "--" ends them.
func flags(spec string, args []string) (options, []string, error) {
	opts := options{}
	var rest []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return opts, append(rest, args[i+1:]...), nil
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		for j := 1; j < len(a); j++ {
			at := strings.IndexByte(spec, a[j])
			if at < 0 || a[j] == ':' {
				return nil, nil, fmt.Errorf("unknown option -%c (known: %s)", a[j], strings.ReplaceAll(spec, ":", ""))
			}
			if at+1 >= len(spec) || spec[at+1] != ':' {
				opts[a[j]] = ""
				continue
			}
			value := a[j+1:]
			if value == "" {
				if i++; i >= len(args) {
					return nil, nil, fmt.Errorf("option -%c needs a value", a[j])
				}
				value = args[i]
			}
			opts[a[j]] = value
			break
		}
	}
	return opts, rest, nil
}

// digits turns the historic "-5" into "-n 5".
func digits(args []string) []string {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "0123456789") == "" {
		return append([]string{"-n", args[0][1:]}, args[1:]...)
	}
	return args
}
