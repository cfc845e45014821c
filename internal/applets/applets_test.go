package applets

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/internal/testenv"
)

// The test binary is the toolbox when called by a program's name.
func TestMain(m *testing.M) {
	if code, ok := Dispatch(os.Args); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

type result struct {
	Out  string
	Code int
}

// toolboxCmd is a call of one of our programs as a process.
func toolboxCmd(t testing.TB, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{name}, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/nowhere", "HOME=/root", "TZ=UTC", "LC_ALL=C"}
	return cmd
}

func output(t testing.TB, cmd *exec.Cmd, in string) result {
	t.Helper()
	cmd.Stdin = strings.NewReader(in)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{out.String(), cmd.ProcessState.ExitCode()}
}

func TestShell(t *testing.T) {
	tests := []struct {
		script, want string
		code         int
	}{
		{`echo hello`, "hello\n", 0},
		{`exit 3`, "", 3},
		{`false`, "", 1},
		{`nosuch`, "sh: nosuch: not found\n", 127},
		{`/etc`, "sh: /etc: is a directory\n", 126},
		{`echo $((2+3)) ${x:-y}`, "5 y\n", 0},
		{`for i in 1 2 3; do echo $i; done | tail -n 1`, "3\n", 0},
		{`f() { echo "in $1"; return 4; }; f a; echo $?`, "in a\n4\n", 0},
		{`yes | head -n 2`, "y\ny\n", 0},
		{`seq 5 | grep -v 3 | wc -l`, "4\n", 0},
		{`printf 'b\na\nb\n' | sort | uniq -c | sort -rn | head -1`, "      2 b\n", 0},
		{`cat <<E | tr a-z A-Z` + "\nabc\nE\n", "ABC\n", 0},
		{`mkdir -p d/e; touch d/e/f; find d -type f; ls d`, "d/e/f\ne\n", 0},
		{`echo x > f; cp f g; mv g h; cat h; rm f h; ls`, "x\n", 0},
		{`test -d . && [ 1 -lt 2 ] && echo ok`, "ok\n", 0},
		{`set -e; false; echo no`, "", 1},
		{`set -x; echo a`, "+ echo a\na\n", 0},
		{`trap 'echo bye' EXIT; exit 2`, "bye\n", 2},
		{`sleep 0.01 & wait; echo done`, "done\n", 0},
		{`env -i A=1 env`, "A=1\n", 0},
		{`A=2 printenv A`, "2\n", 0},
		{`x=$(pwd); [ "$x" = "$PWD" ] && echo same`, "same\n", 0},
		{`sh -c 'echo $1' zero one`, "one\n", 0},
		{`cd /; pwd; (cd /etc; pwd); pwd`, "/\n/etc\n/\n", 0},
		{`if`, "sh: 1:1: `if` must be followed by a statement list\n", 2},
	}
	for _, tt := range tests {
		t.Run(tt.script, func(t *testing.T) {
			got := output(t, toolboxCmd(t, t.TempDir(), "sh", "-c", tt.script), "")
			if diff := cmp.Diff(result{tt.want, tt.code}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShellWaysIn(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "s")
	if err := os.WriteFile(script, []byte("echo $1 $#\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		in   string
		want result
	}{
		{"file", []string{"s", "a", "b"}, "", result{"a 2\n", 7}},
		{"standard input", nil, "echo one\nexit 4\n", result{"one\n", 4}},
		{"-s with arguments", []string{"-s", "x"}, "echo $1", result{"x\n", 0}},
		{"a command reads the rest", []string{"-s"}, "cat\nrest\n", result{"rest\n", 0}},
		{"-e", []string{"-e", "-c", "false; echo no"}, "", result{"", 1}},
		{"-ec", []string{"-ec", "false; echo no"}, "", result{"", 1}},
		{"-x", []string{"-xc", "echo a"}, "", result{"+ echo a\na\n", 0}},
		{"script without #!", []string{"-c", "./s q"}, "", result{"q 1\n", 7}},
		{"missing file", []string{"nope"}, "", result{"sh: nope: No such file or directory\n", 127}},
		{"unknown option", []string{"-Z"}, "", result{"sh: unknown option -Z\n", 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, output(t, toolboxCmd(t, dir, "sh", tt.args...), tt.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAsBusybox compares programs with busybox, character by character.
func TestAsBusybox(t *testing.T) {
	busybox := testenv.NeedsProgram(t, "busybox")
	dir := t.TempDir()
	text := "the quick\nBrown fox\n\njumps over 13 lazy dogs\nthe quick\n10\n9\n"
	for name, content := range map[string]string{"a.txt": text, "b.txt": "b:2:x\na:10:y\nc:1:z\n", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		"head -n 2 a.txt", "head -3 a.txt", "head -c 5 a.txt", "head -n 1 a.txt b.txt", "tail -n 2 a.txt", "tail -n +3 a.txt",
		"tail -c 4 a.txt", "grep quick a.txt", "grep -n quick a.txt", "grep -c quick a.txt", "grep -vi brown a.txt",
		"grep -E qu(i|x) a.txt", "grep ju.*s a.txt", "grep -l quick a.txt b.txt", "grep quick a.txt b.txt", "grep -q quick a.txt",
		"grep nothing a.txt", "grep -o qui.k a.txt", "grep -w fo a.txt", "grep -F . a.txt", "grep x nofile", "grep \\(qu\\|fo\\) a.txt",
		"sort a.txt", "sort -r a.txt", "sort -n a.txt", "sort -u a.txt", "sort -t: -k2n b.txt", "sort -t: -k2,2 -n b.txt", "sort -t: -k1 b.txt",
		"uniq a.txt", "cut -d: -f2 b.txt", "cut -d: -f1,3 b.txt", "cut -c1-3 a.txt", "cut -d: -f2- b.txt",
		"tr a-z A-Z", "tr -d aeiou", "tr -s o", "tr [:lower:] [:upper:]", "tr -cd a-z", "wc -l a.txt", "wc -c", "seq 3", "seq 2 5",
		"seq 1 2 7", "seq 3 -1 1", "seq -s , 3", "seq 0.5 1.5", "basename /a/b.c .c", "basename /a/", "dirname /a/b", "dirname a", "dirname /a",
		"readlink link", "readlink a.txt", "readlink -f link", "realpath link", "stat -c %s:%a:%F:%n a.txt", "stat -c %F link", "stat -c %F empty",
		"uname", "uname -n", "uname -m", "uname -srm", "hostname", "id -u", "id -un", "whoami", "echo a  b", "echo -n x",
		"printf %s-%03d\\n a 7", "true", "false", "test 1 = 2", "date -u -d @86400 +%F_%T_%j_%u", "date -u -d @0", "sha256sum a.txt", "nproc",
		"cat a.txt", "env", "pwd", "du -s empty", "tee out", "test -f a.txt",
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			words := strings.Fields(line)
			want := exec.Command(busybox, words...)
			want.Dir, want.Env = dir, toolboxCmd(t, dir, "x").Env
			w, g := output(t, want, text), output(t, toolboxCmd(t, dir, words[0], words[1:]...), text)
			if words[0] == "env" {
				w.Out, g.Out = sorted(w.Out), sorted(g.Out)
			}
			if diff := cmp.Diff(w, g); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sorted(s string) string {
	lines := strings.Split(s, "\n")
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func TestProgramsAnswer(t *testing.T) {
	tests := []struct {
		line, contains string
	}{
		{"ps", "ps"}, {"df", "Mounted on"}, {"df -h /", "/"}, {"mount", " on /proc type proc"}, {"free -m", "Mem:"},
		{"id", "uid="}, {"ip addr", "lo: <"}, {"kill -l", "KILL"}, {"which sh", ""}, {"du -sh .", "\t."}, {"clear", "\x1b[2J"},
		{"stat .", "directory"}, {"ln -s a b", ""}, {"date", "UTC"}, {"tar --help", "tar"}, {"grep", "pattern is needed"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			words := strings.Fields(tt.line)
			got := output(t, toolboxCmd(t, t.TempDir(), words[0], words[1:]...), "")
			if !strings.Contains(got.Out, tt.contains) {
				t.Errorf("%s = %q, want it to contain %q", tt.line, got.Out, tt.contains)
			}
		})
	}
	for _, name := range Names() {
		if !Lookup(name) {
			t.Errorf("Lookup(%q) = false", name)
		}
	}
	if Lookup("gantry") || Lookup("") {
		t.Error("Lookup finds what is no program")
	}
}
