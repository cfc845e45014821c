package option

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseEnv reads -e values. NAME without a value takes it from lookup, and is
// left out when lookup does not have it. A later NAME replaces an earlier one.
func ParseEnv(list []string, lookup func(string) (string, bool)) ([]string, error) {
	var env []string
	at := map[string]int{}
	for _, item := range list {
		name, value, given := strings.Cut(item, "=")
		switch {
		case name == "":
			return nil, bad(`invalid environment variable: "%s": the name is empty`, item)
		case strings.ContainsRune(item, 0):
			return nil, bad(`invalid environment variable: "%s": contains a nul byte`, item)
		case !given:
			if value, given = lookup(name); !given {
				continue
			}
		}
		if i, seen := at[name]; seen {
			env[i] = name + "=" + value
			continue
		}
		at[name] = len(env)
		env = append(env, name+"="+value)
	}
	return env, nil
}

// maxEnvLine bounds one line of an env file, as the kernel bounds one
// environment string.
const maxEnvLine = 128 << 10

// ParseEnvFile reads lines of NAME=value or NAME. Lines starting with # are
// comments. Quotes mean nothing. The result is for ParseEnv.
func ParseEnvFile(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, envFileError(path, err)
	}
	defer f.Close() // only read
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, bad(`env file "%s" is a directory`, path)
	}
	list, err := readEnv(path, f)
	if err != nil {
		return nil, envFileError(path, err)
	}
	return list, nil
}

func readEnv(path string, r io.Reader) ([]string, error) {
	var list []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEnvLine)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line, "=")
		switch {
		case !utf8.ValidString(line):
			return nil, bad(`env file "%s" line %d: not UTF-8: %s`, path, n, line)
		case name == "":
			return nil, bad(`env file "%s" line %d: no variable name on line '%s'`, path, n, line)
		case strings.ContainsFunc(name, unicode.IsSpace):
			return nil, bad(`env file "%s" line %d: variable '%s' contains whitespaces`, path, n, name)
		}
		list = append(list, line)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, bad(`env file "%s": a line is longer than %d bytes`, path, maxEnvLine)
	}
	return list, lines.Err()
}

func envFileError(path string, err error) error {
	var perr *os.PathError
	if errors.As(err, &perr) {
		return bad(`env file "%s": %s`, path, perr.Err.Error())
	}
	return err
}

// ParseLabels reads -l values: KEY=value, or KEY for an empty value.
func ParseLabels(list []string) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	labels := make(map[string]string, len(list))
	for _, item := range list {
		key, value, _ := strings.Cut(item, "=")
		if key == "" {
			return nil, bad(`invalid label: "%s": the key is empty`, item)
		}
		if strings.ContainsRune(item, 0) {
			return nil, bad(`invalid label: "%s": contains a nul byte`, item)
		}
		labels[key] = value
	}
	return labels, nil
}
