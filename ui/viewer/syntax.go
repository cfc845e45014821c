package viewer

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"gantry/ui/theme"
	"gantry/ui/widget"
)

// language is as much of a language as its colours need.
type language struct {
	name     string
	line     []string // what begins a comment to the end of the line
	spaced   bool     // it does so at the start of a line or after a space only
	open     string   // what begins and ends a longer comment
	shut     string
	quotes   string
	keywords []string
	keys     bool // NAME= and name: at the start of a line are coloured
}

var (
	goWords     = words("break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var nil true false")
	cWords      = words("auto break case char const continue default do double else enum extern float for goto if inline int long register return short signed sizeof static struct switch typedef union unsigned void volatile while class namespace template public private new delete import export function let var async await try catch throw null true false fn impl use mut pub match")
	shellWords  = words("if then else elif fi for while until do done case esac in function return exit export local set unset shift source trap eval exec readonly")
	pythonWords = words("and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return True try while with yield")
	rubyWords   = words("begin break case class def do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield")
	dockerWords = words("FROM RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ARG ONBUILD STOPSIGNAL HEALTHCHECK SHELL AS")
	sqlWords    = words("SELECT FROM WHERE INSERT INTO UPDATE DELETE CREATE TABLE INDEX DROP ALTER AND OR NOT NULL VALUES SET JOIN ON ORDER BY GROUP LIMIT PRIMARY KEY")
	plainWords  = words("true false yes no null on off")
)

func words(s string) []string { return slices.Sorted(slices.Values(strings.Fields(s))) }

var languages = map[string]language{
	"go":     {name: "go", line: []string{"//"}, open: "/*", shut: "*/", quotes: "\"'`", keywords: goWords},
	"c":      {name: "code", line: []string{"//"}, open: "/*", shut: "*/", quotes: "\"'`", keywords: cWords},
	"css":    {name: "css", open: "/*", shut: "*/", quotes: "\"'"},
	"shell":  {name: "shell", line: []string{"#"}, spaced: true, quotes: "\"'", keywords: shellWords},
	"python": {name: "python", line: []string{"#"}, quotes: "\"'", keywords: pythonWords},
	"ruby":   {name: "ruby", line: []string{"#"}, spaced: true, quotes: "\"'", keywords: rubyWords},
	"docker": {name: "dockerfile", line: []string{"#"}, spaced: true, quotes: "\"'", keywords: dockerWords},
	"sql":    {name: "sql", line: []string{"--"}, open: "/*", shut: "*/", quotes: "'", keywords: sqlWords},
	"markup": {name: "markup", open: "<!--", shut: "-->", quotes: "\"'"},
	"lua":    {name: "lua", line: []string{"--"}, quotes: "\"'", keywords: words("and break do else elseif end false for function if in local nil not or repeat return then true until while")},
	"config": {name: "config", line: []string{"#", ";"}, spaced: true, quotes: "\"'", keywords: plainWords, keys: true},
}

var byExtension = map[string]string{
	"go": "go", "mod": "go",
	"c": "c", "h": "c", "cc": "c", "cpp": "c", "hpp": "c", "java": "c", "js": "c", "mjs": "c", "ts": "c", "rs": "c", "swift": "c", "kt": "c", "cs": "c", "php": "c", "proto": "c",
	"css": "css", "scss": "css",
	"sh": "shell", "bash": "shell", "zsh": "shell", "mk": "shell", "profile": "shell", "bashrc": "shell",
	"py": "python", "pl": "ruby", "pm": "ruby", "rb": "ruby",
	"sql": "sql", "html": "markup", "xml": "markup", "svg": "markup", "lua": "lua",
	"conf": "config", "cfg": "config", "ini": "config", "toml": "config", "yaml": "config", "yml": "config", "env": "config", "properties": "config", "service": "config", "list": "config", "sources": "config",
}

// languageOf guesses by name, then by a first line that names an interpreter.
func languageOf(name string, head []byte) language {
	base := path.Base(name)
	if base == "Dockerfile" || strings.HasPrefix(base, "Dockerfile.") || strings.HasSuffix(base, ".Dockerfile") {
		return languages["docker"]
	}
	ext := base[strings.LastIndexByte(base, '.')+1:]
	if id, ok := byExtension[strings.ToLower(ext)]; ok && ext != base || base == ".bashrc" || base == ".profile" {
		return languages[id]
	}
	if first, _, _ := bytes.Cut(head, []byte("\n")); bytes.HasPrefix(first, []byte("#!")) {
		for part, id := range map[string]string{"sh": "shell", "python": "python", "perl": "ruby", "ruby": "ruby", "node": "c", "lua": "lua"} {
			if bytes.Contains(first, []byte(part)) {
				return languages[id]
			}
		}
	}
	if strings.HasPrefix(name, "etc/") || strings.HasPrefix(name, "/etc/") {
		return languages["config"]
	}
	return language{}
}

// lexState is what the lines before leave behind.
type lexState int

const (
	inCode lexState = iota
	inComment
)

// colour splits a line into cells. What it does not know stays plain: a wrong
// colour is worse than none.
func (l language) colour(s string, state *lexState) []widget.Cell {
	if l.name == "" {
		return []widget.Cell{{Text: s}}
	}
	var out cells
	rest := s
	if *state == inComment {
		rest = out.comment(l, rest, 0, state)
	} else if key := l.key(rest); key > 0 {
		out.add(rest[:key], theme.Keyword)
		rest = rest[key:]
	}
	for rest != "" {
		rest = l.token(&out, s, rest, state)
	}
	return out
}

// token takes one token off the front of rest, which is the tail of s.
func (l language) token(out *cells, s, rest string, state *lexState) string {
	at := len(s) - len(rest)
	switch {
	case l.beginsComment(s, at):
		out.add(rest, theme.Comment)
		return ""
	case l.open != "" && strings.HasPrefix(rest, l.open):
		*state = inComment
		return out.comment(l, rest, len(l.open), state)
	case strings.IndexByte(l.quotes, rest[0]) >= 0:
		n := quoted(rest)
		out.add(rest[:n], theme.Literal)
		return rest[n:]
	case wordByte(rest[0]):
		n := 1
		for n < len(rest) && wordByte(rest[n]) {
			n++
		}
		out.add(rest[:n], l.wordRole(rest[:n]))
		return rest[n:]
	default:
		n := 1
		for n < len(rest) && !wordByte(rest[n]) && rest[n] > ' ' && strings.IndexByte(l.quotes+"#/<-;", rest[n]) < 0 {
			n++
		}
		out.add(rest[:n], theme.Plain)
		return rest[n:]
	}
}

func (l language) beginsComment(s string, at int) bool {
	if l.spaced && at > 0 && s[at-1] != ' ' {
		return false
	}
	return slices.ContainsFunc(l.line, func(mark string) bool { return strings.HasPrefix(s[at:], mark) })
}

func (l language) wordRole(w string) theme.Role {
	if w[0] >= '0' && w[0] <= '9' {
		return theme.Number
	}
	if _, ok := slices.BinarySearch(l.keywords, w); ok {
		return theme.Keyword
	}
	return theme.Plain
}

// key is the length of the name that a line of a configuration file sets, or
// of its [section].
func (l language) key(s string) int {
	if !l.keys {
		return 0
	}
	trimmed := strings.TrimLeft(s, " -")
	lead := len(s) - len(trimmed)
	if strings.HasPrefix(trimmed, "[") {
		return len(s)
	}
	n := 0
	for n < len(trimmed) && (wordByte(trimmed[n]) || trimmed[n] == '.' || trimmed[n] == '-') {
		n++
	}
	after := strings.TrimLeft(trimmed[n:], " ")
	if n == 0 || after == "" || after[0] != '=' && after[0] != ':' {
		return 0
	}
	return lead + n
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted is the length of the string at the start of s; one that does not end
// on this line goes on to its end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == s[0] {
			return i + 1
		}
	}
	return len(s)
}

// cells gathers a line, joining neighbours of one role.
type cells []widget.Cell

func (c *cells) add(text string, role theme.Role) {
	if n := len(*c); n > 0 && (*c)[n-1].Role == role {
		(*c)[n-1].Text += text
		return
	}
	*c = append(*c, widget.Cell{Text: text, Role: role})
}

// comment takes a long comment off the front of s, of which skip bytes are its
// beginning.
func (c *cells) comment(l language, s string, skip int, state *lexState) string {
	i := strings.Index(s[skip:], l.shut)
	if i < 0 {
		c.add(s, theme.Comment)
		return ""
	}
	*state = inCode
	end := skip + i + len(l.shut)
	c.add(s[:end], theme.Comment)
	return s[end:]
}
