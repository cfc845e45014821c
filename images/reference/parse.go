package reference

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

const (
	maxPath = 255
	maxTag  = 128
)

// Parse reads a reference. Errors are *Error and store.ErrInvalid.
func Parse(s string) (Ref, error) {
	if err := precheck(s); err != nil {
		return Ref{}, err
	}
	rest, sum, digested := strings.Cut(s, "@")
	var r Ref
	if digested {
		d, err := parseDigest(s, len(rest)+1, sum)
		if err != nil {
			return Ref{}, err
		}
		r.Digest = d
	}
	name, tag, tagged := cutTag(rest)
	if tagged {
		if err := checkTag(s, len(name)+1, tag); err != nil {
			return Ref{}, err
		}
		r.Tag = tag
	} else if !digested {
		r.Tag = defaultTag
	}
	return parseName(s, name, r)
}

// precheck refuses what is not a reference at all but a likely mistake.
func precheck(s string) error {
	switch {
	case s == "":
		return &Error{Reason: "the image name is empty", Hint: "write name[:tag]"}
	case len(s) > 1024:
		return &Error{Input: s[:64], Reason: "an image name of more than 1024 bytes", Hint: "write name[:tag]"}
	case isHex(s, 64), strings.HasPrefix(s, "sha256:") && isHex(s[7:], 64):
		return &Error{Input: s, Reason: "that is an image ID", Hint: "no such local ID"}
	}
	if scheme, _, ok := strings.Cut(s, "://"); ok && !strings.ContainsAny(scheme, "/@:") {
		return &Error{Input: s, Reason: "a name has no URL scheme",
			Hint: fmt.Sprintf("drop %q; for plain HTTP add --insecure", clip(scheme)+"://")}
	}
	return nil
}

// cutTag splits at the last colon behind the last slash.
func cutTag(s string) (name, tag string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || i < strings.LastIndexByte(s, '/') {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func parseDigest(s string, at int, sum string) (digest.Digest, error) {
	const hint = "digest needs 64 hex digits after sha256:"
	algorithm, hex, _ := strings.Cut(sum, ":")
	switch {
	case sum == "":
		return "", &Error{s, at, "digest is empty", hint}
	case algorithm != "sha256":
		return "", &Error{s, at, fmt.Sprintf("unsupported digest algorithm %q", clip(algorithm)), hint}
	case !isHex(hex, 64):
		at += len("sha256:")
		return "", &Error{s, min(at, len(s)), fmt.Sprintf("%d characters after sha256:", len(hex)), hint}
	}
	return digest.Digest(sum), nil
}

func checkTag(s string, at int, tag string) error {
	const hint = "tag = letters, digits, _ . -, at most 128, not starting with . or -"
	switch {
	case tag == "":
		return &Error{s, at, "tag is empty", hint}
	case len(tag) > maxTag:
		return &Error{s, at + maxTag, fmt.Sprintf("tag has %d characters", len(tag)), hint}
	case tag[0] == '.' || tag[0] == '-':
		return &Error{s, at, fmt.Sprintf("tag starts with %q", tag[:1]), hint}
	}
	for i := 0; i < len(tag); i++ {
		if c := tag[i]; !alnum(c) && c != '_' && c != '.' && c != '-' {
			return &Error{s, at + i, "tag holds " + quoteAt(tag, i), hint}
		}
	}
	return nil
}

// parseName fills in domain and path from the part before tag and digest.
func parseName(s, name string, r Ref) (Ref, error) {
	first, remote, slash := strings.Cut(name, "/")
	at := 0
	switch {
	case slash && first == legacyHub:
		r.Domain, r.Path, at = Hub, remote, len(first)+1
	case slash && hostLike(first):
		if err := checkDomain(s, first); err != nil {
			return Ref{}, err
		}
		r.Domain, r.Path, at = first, remote, len(first)+1
	default:
		r.Domain, r.Path = Hub, name
	}
	given := r.Path
	if r.Domain == Hub && !strings.Contains(r.Path, "/") {
		r.Path = officialPrefix + r.Path
	}
	if err := checkPath(s, at, given, r); err != nil {
		return Ref{}, err
	}
	return r, nil
}

func checkPath(s string, at int, given string, r Ref) error {
	if low := strings.ToLower(given); low != given && isASCII(given) {
		lower := r
		lower.Path = strings.ToLower(r.Path)
		upper := strings.IndexFunc(given, func(c rune) bool { return c >= 'A' && c <= 'Z' })
		return &Error{s, at + upper, fmt.Sprintf("repository name (%s) must be lowercase", clip(r.Path)),
			fmt.Sprintf("try %q", clip(lower.FamiliarName()))}
	}
	if len(r.Path) > maxPath {
		return &Error{s, at, fmt.Sprintf("repository name has %d characters", len(r.Path)), "at most 255"}
	}
	for _, part := range strings.Split(given, "/") {
		if i, why := scanComponent(part); why != "" {
			return &Error{s, at + i, why, "name parts = lowercase letters and digits, joined by . _ __ or -"}
		}
		at += len(part) + 1
	}
	return nil
}

// scanComponent checks one path part and returns where and why it is wrong.
func scanComponent(part string) (int, string) {
	if part == "" {
		return 0, "name part is empty"
	}
	for i := 0; i < len(part); {
		run := i
		for i < len(part) && lowerAlnum(part[i]) {
			i++
		}
		switch {
		case i == len(part):
			return 0, ""
		case !strings.ContainsRune("._-", rune(part[i])):
			return i, "name holds " + quoteAt(part, i)
		case i == run:
			return i, fmt.Sprintf("name part starts with %q", part[i:i+1])
		}
		sep := i
		for i < len(part) && part[i] == part[sep] {
			i++
		}
		if n := i - sep; part[sep] == '.' && n > 1 || part[sep] == '_' && n > 2 {
			return sep, fmt.Sprintf("name holds %q", clip(part[sep:i]))
		}
		if i == len(part) {
			return sep, fmt.Sprintf("name part ends with %q", part[sep:sep+1])
		}
		if !lowerAlnum(part[i]) {
			return i, "name holds " + quoteAt(part, i) + " after a separator"
		}
	}
	return 0, ""
}

// checkDomain checks host[:port]. s starts with it.
func checkDomain(s, domain string) error {
	const hint = "host = letters, digits, - and ., optionally :port"
	host, port, ported := domain, "", false
	if end := strings.IndexByte(domain, ']'); strings.HasPrefix(domain, "[") && end > 1 {
		host = domain[1:end]
		if i := strings.IndexFunc(host, func(c rune) bool { return !hexDigit(c) && c != ':' }); i >= 0 {
			return &Error{s, 1 + i, "not an IPv6 address", hint}
		}
		rest := domain[end+1:]
		if port, ported = strings.CutPrefix(rest, ":"); rest != "" && !ported {
			return &Error{s, end + 1, "characters after the address", hint}
		}
		return checkPort(s, len(domain)-len(port), port, ported)
	}
	host, port, ported = strings.Cut(domain, ":")
	at := 0
	for _, label := range strings.Split(host, ".") {
		switch i := strings.IndexFunc(label, func(c rune) bool { return c >= 0x80 || !alnum(byte(c)) && c != '-' }); {
		case i >= 0:
			return &Error{s, at + i, "host name holds " + quoteAt(label, i), hint}
		case label == "":
			return &Error{s, at, "host name has an empty part", hint}
		case label[0] == '-' || label[len(label)-1] == '-':
			return &Error{s, at, `host name part starts or ends with "-"`, hint}
		}
		at += len(label) + 1
	}
	return checkPort(s, len(host)+1, port, ported)
}

func checkPort(s string, at int, port string, given bool) error {
	if !given {
		return nil
	}
	if port == "" {
		return &Error{s, at, "port is empty", "write host:port/name"}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return &Error{s, at, fmt.Sprintf("port %s is not 1–65535", clip(port)), "write host:port/name"}
	}
	return nil
}
