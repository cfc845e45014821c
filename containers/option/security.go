package option

import (
	"strconv"
	"strings"
)

// ParseSecurityOpt reads --security-opt values and returns those that change
// something: seccomp=unconfined and no-new-privileges. AppArmor and SELinux are
// not applied to containers, so switching them off is granted as it is.
func ParseSecurityOpt(list []string) ([]string, error) {
	var opts []string
	for _, item := range list {
		key, value, given := strings.Cut(item, "=")
		if !given {
			key, value, given = strings.Cut(item, ":")
		}
		switch {
		case key == "no-new-privileges":
			yes, err := parseBool(value, given)
			if err != nil {
				return nil, bad(`invalid --security-opt "%s": %s is neither true nor false`, item, strconv.Quote(value))
			}
			if yes {
				opts = append(opts, key)
			}
		case key == "seccomp" && value == "unconfined":
			opts = append(opts, "seccomp=unconfined")
		case key == "apparmor" && value == "unconfined", key == "label" && value == "disable":
		case key == "seccomp" && value == "builtin":
		case key == "seccomp" && given:
			return nil, bad(`invalid --security-opt "%s": only seccomp=unconfined is supported, not a profile`, item)
		default:
			return nil, bad(`invalid --security-opt "%s": supported are no-new-privileges and seccomp=unconfined`, item)
		}
	}
	return opts, nil
}

// DefaultDetachKeys is ctrl-p,ctrl-q.
const DefaultDetachKeys = "\x10\x11"

// ParseDetachKeys reads comma-separated keys: single characters, ctrl-<letter>,
// ctrl- with one of @ [ \ ] ^ _, or DEL. "" means DefaultDetachKeys.
func ParseDetachKeys(s string) ([]byte, error) {
	if s == "" {
		return []byte(DefaultDetachKeys), nil
	}
	var keys []byte
	for _, key := range strings.Split(s, ",") {
		code, ok := keyCode(key)
		if !ok {
			return nil, bad(`invalid detach keys (%s): unknown key "%s": a character, ctrl-a to ctrl-z, `+
				`ctrl- with one of @ [ \ ] ^ _, or DEL`, s, key)
		}
		keys = append(keys, code)
	}
	return keys, nil
}

func keyCode(key string) (byte, bool) {
	if key == "DEL" {
		return 0x7f, true
	}
	if len(key) == 1 {
		return key[0], key[0] < 0x80
	}
	name, ok := strings.CutPrefix(strings.ToLower(key), "ctrl-")
	if !ok || len(name) != 1 {
		return 0, false
	}
	switch c := name[0]; {
	case c >= 'a' && c <= 'z':
		return c - 'a' + 1, true
	case c == '@':
		return 0, true
	case c >= '[' && c <= '_':
		return c - '[' + 0x1b, true
	}
	return 0, false
}
