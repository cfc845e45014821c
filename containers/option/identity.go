package option

import (
	"path"
	"strconv"
	"strings"
)

// nameLike reports whether s matches [a-zA-Z0-9][a-zA-Z0-9_.-]*.
func nameLike(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && (i == 0 || c != '_' && c != '.' && c != '-') {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// maxName bounds a container's name: it becomes a file's name.
const maxName = 128

// ParseName checks a container's name, with or without Docker's leading slash.
func ParseName(s string) (string, error) {
	name := strings.TrimPrefix(s, "/")
	switch {
	case !nameLike(name):
		return "", bad(`Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, s)
	case len(name) < 2:
		return "", bad(`Invalid container name (%s), at least two characters are needed`, s)
	case len(name) > maxName:
		return "", bad(`Invalid container name (%s…), it is longer than %d characters`, name[:16], maxName)
	}
	return name, nil
}

// ParseHostname checks a host name by RFC 1123. The kernel keeps 64 bytes.
func ParseHostname(s string) (string, error) {
	const rule = `parts of letters, digits and "-" joined by ".", each at most 63 long, 64 in all`
	if s == "" || len(s) > 64 {
		return "", bad(`invalid hostname "%s": %s`, s, rule)
	}
	for _, label := range strings.Split(s, ".") {
		inner := strings.Trim(label, "-")
		if inner == "" || inner != label || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return r > 0x7f || !alphanumeric(byte(r)) && r != '-'
		}) {
			return "", bad(`invalid hostname "%s": %s`, s, rule)
		}
	}
	return s, nil
}

// ParseUserSyntax checks the form name|uid[:group|gid]. Whether the names exist
// is known only inside the container.
func ParseUserSyntax(s string) (string, error) {
	user, group, grouped := strings.Cut(s, ":")
	if user == "" || grouped && group == "" || strings.Contains(group, ":") {
		return "", bad(`invalid user "%s": should be name|uid[:group|gid]`, s)
	}
	for _, part := range []string{user, group} {
		if strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' }) {
			return "", bad(`invalid user "%s": should be name|uid[:group|gid]`, s)
		}
		number := strings.TrimPrefix(part, "-")
		if !digits(number) {
			continue
		}
		if n, err := strconv.ParseInt(part, 10, 64); err != nil || n < 0 || n > 1<<31-1 {
			return "", bad(`invalid user "%s": uids and gids must be in range 0-2147483647`, s)
		}
	}
	return s, nil
}

// ParseWorkdir checks and cleans a -w value.
func ParseWorkdir(s string) (string, error) {
	if !strings.HasPrefix(s, "/") {
		return "", bad("the working directory '%s' is invalid, it needs to be an absolute path", s)
	}
	if strings.ContainsRune(s, 0) {
		return "", bad("the working directory '%s' is invalid: contains a nul byte", s)
	}
	return path.Clean(s), nil
}

var architectures = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}

// ParsePlatform reads os/arch[/variant], or an architecture alone, and returns
// it with Go's names.
func ParsePlatform(s string) (string, error) {
	parts := strings.Split(strings.ToLower(s), "/")
	if len(parts) == 1 {
		parts = append([]string{"linux"}, parts...)
	}
	if len(parts) > 3 || parts[len(parts)-1] == "" {
		return "", bad(`invalid platform "%s": should be os/arch[/variant], such as linux/arm64`, s)
	}
	if parts[0] != "linux" {
		return "", bad(`invalid platform "%s": os "%s" does not run here, only linux does`, s, parts[0])
	}
	switch parts[1] {
	case "x86_64", "x86-64":
		parts[1] = "amd64"
	case "aarch64":
		parts[1] = "arm64"
	case "i386", "i686":
		parts[1] = "386"
	case "armhf":
		parts[1] = "arm"
	}
	for _, known := range architectures {
		if parts[1] == known {
			return strings.Join(parts, "/"), nil
		}
	}
	return "", bad(`invalid platform "%s": unknown architecture "%s"%s: known are %s`, s, parts[1],
		suggest(parts[1], architectures), strings.Join(architectures, ", "))
}
