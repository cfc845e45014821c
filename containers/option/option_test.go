package option

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/containers"
	"gantry/store"
)

// read is what a parser made of its input, as text.
func read(v any, err error) string {
	if err != nil {
		if !errors.Is(err, store.ErrInvalid) {
			return "NOT INVALID: " + err.Error()
		}
		return "error: " + err.Error()
	}
	return fmt.Sprint(v)
}

func ports(specs ...string) string { return read(ParsePorts(specs)) }

// Every parser with every input once: what it makes of it, word for word.
var cases = []struct {
	parse func(string) string
	name  string
	in    string
	want  string
}{
	{one(ParsePorts), "port", "80", "[{ 0 80 tcp}]"},
	{one(ParsePorts), "port", "80:80", "[{ 80 80 tcp}]"},
	{one(ParsePorts), "port", "0:80", "[{ 0 80 tcp}]"},
	{one(ParsePorts), "port", "53:53/UDP", "[{ 53 53 udp}]"},
	{one(ParsePorts), "port", "127.0.0.1::80", "[{127.0.0.1 0 80 tcp}]"},
	{one(ParsePorts), "port", "[::1]:8080:80", "[{::1 8080 80 tcp}]"},
	{one(ParsePorts), "port", "8000-8001:80-81", "[{ 8000 80 tcp} { 8001 81 tcp}]"},
	{one(ParsePorts), "port", "65536:80", `error: invalid port "65536:80": port numbers must be between 1 and 65535 (inclusive), got 65536`},
	{one(ParsePorts), "port", "80:0", `error: invalid port "80:0": port numbers must be between 1 and 65535 (inclusive), got 0`},
	{one(ParsePorts), "port", "99999999999999999999:80", `error: invalid port "99999999999999999999:80": port numbers must be between 1 and 65535 (inclusive), got 99999999999999999999`},
	{one(ParsePorts), "port", "abc:80", `error: invalid port "abc:80": port numbers must be between 1 and 65535 (inclusive), got "abc"`},
	{one(ParsePorts), "port", "", `error: invalid port "": port numbers must be between 1 and 65535 (inclusive), got ""`},
	{one(ParsePorts), "port", "80:80/foo", `error: invalid port "80:80/foo": invalid proto: foo (use tcp or udp)`},
	{one(ParsePorts), "port", "8000-8002:80-81", `error: invalid port "8000-8002:80-81": ranges have different lengths: 3 vs 2`},
	{one(ParsePorts), "port", "81-80:81-80", `error: invalid port "81-80:81-80": the range 81-80 runs backwards`},
	{one(ParsePorts), "port", "localhost:80:80", `error: invalid port "localhost:80:80": invalid IP address: localhost: use an IP: 127.0.0.1:80:80`},
	{one(ParsePorts), "port", "1.2.3:80:80", `error: invalid port "1.2.3:80:80": invalid IP address: 1.2.3: use an IP: 127.0.0.1:80:80`},
	{one(ParsePorts), "port", "1-65535:1-65535", `error: invalid port "1-65535:1-65535": 65535 ports are more than 1024: use --network host`},
	{one(ParsePorts), "port", "\x1b[31m:80", `error: invalid port "\x1b[31m:80": port numbers must be between 1 and 65535 (inclusive), got "\x1b[31m"`},

	{text(ParseMemory), "memory", "512m", "536870912"},
	{text(ParseMemory), "memory", "1.5GiB", "1610612736"},
	{text(ParseMemory), "memory", "0", "0"},
	{text(ParseMemory), "memory", "abc", `error: invalid size: 'abc' (a number of bytes, or with a unit: 512m, 2g)`},
	{text(ParseMemory), "memory", "", `error: invalid size: '' (a number of bytes, or with a unit: 512m, 2g)`},
	{text(ParseMemory), "memory", "-5m", `error: invalid size: '-5m' (a number of bytes, or with a unit: 512m, 2g)`},
	{text(ParseMemory), "memory", "1.2.3m", `error: invalid size: '1.2.3m' (a number of bytes, or with a unit: 512m, 2g)`},
	{text(ParseMemory), "memory", "6", `error: Minimum memory limit allowed is 6MB: "6" is in bytes, write 6m for megabytes`},
	{text(ParseMemory), "memory", "5m", `error: Minimum memory limit allowed is 6MB, got "5m"`},
	{text(ParseMemory), "memory", "99999999999999999999", `error: invalid size: '99999999999999999999' is more than 8 exabytes`},
	{text(ParseMemory), "memory", "8192p", `error: invalid size: '8192p' is more than 8 exabytes`},

	{text(twoCPUs), "cpus", "1.5", "1500000000"},
	{text(twoCPUs), "cpus", "0", "0"},
	{text(twoCPUs), "cpus", "99", "error: range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available, got 99"},
	{text(twoCPUs), "cpus", "-1", "error: range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available, got -1"},
	{text(twoCPUs), "cpus", "0.001", "error: range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available, got 0.001"},
	{text(twoCPUs), "cpus", "0.0000000001", "error: invalid number of CPUs: '0.0000000001' is too precise"},
	{text(twoCPUs), "cpus", "1e999999999", "error: invalid number of CPUs: '1e999999999' (such as 0.5 or 2)"},
	{text(twoCPUs), "cpus", "half", "error: invalid number of CPUs: 'half' (such as 0.5 or 2)"},

	{text(ParsePidsLimit), "pids", "100", "100"},
	{text(ParsePidsLimit), "pids", "0", "-1"},
	{text(ParsePidsLimit), "pids", "-1", "-1"},
	{text(ParsePidsLimit), "pids", "-2", "error: invalid pids limit: '-2' (a number of processes, -1 for no limit)"},
	{text(ParsePidsLimit), "pids", "9999999999", "error: invalid pids limit: '9999999999' is more than the kernel's 4194304"},
	{text(ParseStopTimeout), "timeout", "-1", "-1"},
	{text(ParseStopTimeout), "timeout", "soon", "error: invalid timeout: 'soon' (seconds, -1 waits for ever)"},
	{text(ParseStopTimeout), "timeout", "9999999999", "error: invalid timeout: '9999999999' (seconds, -1 waits for ever)"},

	{text(ParseVolume), "volume", "/data", "{volume  /data false []}"},
	{text(ParseVolume), "volume", "cache:/data:ro,nocopy", "{volume cache /data true [nocopy]}"},
	{text(ParseVolume), "volume", "/srv/:/data/../d:rslave", "{bind /srv /d false [rslave]}"},
	{text(ParseVolume), "volume", "/srv:/a", "{bind /srv /a false []}"},
	{text(ParseVolume), "volume", "/a:rel", `error: invalid volume "/a:rel": invalid mount path: 'rel' must be an absolute path`},
	{text(ParseVolume), "volume", "/a:/b:bogus", `error: invalid volume "/a:/b:bogus": invalid option "bogus": allowed are ro, rw, z, Z, nocopy, rbind, bind, private, rprivate, shared, rshared, slave, rslave`},
	{text(ParseVolume), "volume", ":bogus", `error: invalid volume ":bogus": an empty part: should be [source:]destination[:options]`},
	{text(ParseVolume), "volume", "a:/b:ro:x", `error: invalid volume "a:/b:ro:x": too many colons: should be [source:]destination[:options]`},
	{text(ParseVolume), "volume", "a/b:/c", `error: invalid volume "a/b:/c": "a/b" is no volume name: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*; for a path on this machine write ./a/b`},
	{text(ParseVolume), "volume", "/a:/b:ro,rw", `error: invalid volume "/a:/b:ro,rw": options ro and rw exclude each other`},
	{text(ParseVolume), "volume", "/a:/b:shared,slave", `error: invalid volume "/a:/b:shared,slave": options shared and slave exclude each other`},
	{text(ParseVolume), "volume", "/a:/b:nocopy", `error: invalid volume "/a:/b:nocopy": option "nocopy" is for volumes only`},
	{text(ParseVolume), "volume", "v:/b:rshared", `error: invalid volume "v:/b:rshared": option "rshared" is for paths on this machine only`},
	{text(ParseVolume), "volume", "/a:/", `error: invalid volume "/a:/": destination can't be '/'`},
	{text(ParseVolume), "volume", "/a:/x/../proc", `error: invalid volume "/a:/x/../proc": destination can't be '/proc'`},
	{text(ParseVolume), "volume", "/a:/x/../..", `error: invalid volume "/a:/x/../..": destination can't be '/'`},
	{text(ParseVolume), "volume", "/a:/sys", `error: invalid volume "/a:/sys": destination can't be '/sys'`},
	{text(ParseVolume), "volume", "/a:/dev/", `error: invalid volume "/a:/dev/": destination can't be '/dev'`},
	{text(ParseVolume), "volume", "/a:/proc/sys", `error: invalid volume "/a:/proc/sys": destination can't be '/proc/sys'`},

	{text(ParseMount), "mount", "type=bind,source=/srv,target=/data,readonly", "{bind /srv /data true []}"},
	{text(ParseMount), "mount", "src=cache,dst=/c,ro=false", "{volume cache /c false []}"},
	{text(ParseMount), "mount", "type=tmpfs,target=/run,tmpfs-size=1m,tmpfs-mode=700", "{tmpfs  /run false [size=1048576 mode=700]}"},
	{text(ParseMount), "mount", "type=bogus,target=/x", `error: invalid mount "type=bogus,target=/x": invalid type "bogus": allowed are bind, volume, tmpfs`},
	{text(ParseMount), "mount", "type=bind,target=/x", `error: invalid mount "type=bind,target=/x": source is required for a bind mount`},
	{text(ParseMount), "mount", "type=bind,source=rel,target=/x", `error: invalid mount "type=bind,source=rel,target=/x": invalid mount path: 'rel' must be an absolute path`},
	{text(ParseMount), "mount", "type=tmpfs,source=/a,target=/x", `error: invalid mount "type=tmpfs,source=/a,target=/x": a tmpfs has no source`},
	{text(ParseMount), "mount", "type=bind,source=/a", `error: invalid mount "type=bind,source=/a": target is required`},
	{text(ParseMount), "mount", "targe=/x", `error: invalid mount "targe=/x": unexpected key 'targe' (did you mean target?): allowed are type, source, src, target, destination, dst, readonly, ro, bind-propagation, volume-nocopy, tmpfs-size, tmpfs-mode`},
	{text(ParseMount), "mount", "type=bind,source=/a,target=/x,ro=maybe", `error: invalid mount "type=bind,source=/a,target=/x,ro=maybe": invalid value for ro: maybe (true or false)`},
	{text(ParseMount), "mount", "type=volume,target=/x,bind-propagation=shared", `error: invalid mount "type=volume,target=/x,bind-propagation=shared": option "shared" does not go with type volume`},
	{text(ParseTmpfs), "tmpfs", "/run:noexec,size=64k", "{tmpfs  /run false [noexec size=65536]}"},
	{text(ParseTmpfs), "tmpfs", "/run:sise=1", `error: invalid tmpfs "/run:sise=1": invalid option "sise=1": allowed are ro, rw, exec, noexec, suid, nosuid, dev, nodev, size=, mode=, uid=, gid=`},
	{text(ParseTmpfs), "tmpfs", "run", `error: invalid tmpfs "run": invalid mount path: 'run' must be an absolute path`},

	{env, "env", "A=b=c", "[A=b=c]"},
	{env, "env", "HERE", "[HERE=yes]"},
	{env, "env", "GONE", "[]"},
	{env, "env", "=x", `error: invalid environment variable: "=x": the name is empty`},
	{env, "env", "", `error: invalid environment variable: "": the name is empty`},
	{env, "env", "A=\x00", `error: invalid environment variable: "A=\x00": contains a nul byte`},
	{one(ParseLabels), "label", "a=b=c", "map[a:b=c]"},
	{one(ParseLabels), "label", "a", "map[a:]"},
	{one(ParseLabels), "label", "=x", `error: invalid label: "=x": the key is empty`},

	{text(ParseName), "name", "/web.1", "web.1"},
	{text(ParseName), "name", "-web", "error: Invalid container name (-web), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"},
	{text(ParseName), "name", "a\x1b[2Jb", `error: Invalid container name (a\x1b[2Jb), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`},
	{text(ParseName), "name", "../etc", "error: Invalid container name (../etc), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"},
	{text(ParseName), "name", "x", "error: Invalid container name (x), at least two characters are needed"},
	{text(ParseName), "name", strings.Repeat("a", 200), "error: Invalid container name (aaaaaaaaaaaaaaaa…), it is longer than 128 characters"},
	{text(ParseHostname), "hostname", "web-1.example.org", "web-1.example.org"},
	{text(ParseHostname), "hostname", "a\x1bb", `error: invalid hostname "a\x1bb": parts of letters, digits and "-" joined by ".", each at most 63 long, 64 in all`},
	{text(ParseHostname), "hostname", "-a", `error: invalid hostname "-a": parts of letters, digits and "-" joined by ".", each at most 63 long, 64 in all`},
	{text(ParseHostname), "hostname", "a..b", `error: invalid hostname "a..b": parts of letters, digits and "-" joined by ".", each at most 63 long, 64 in all`},
	{text(ParseUserSyntax), "user", "www-data:33", "www-data:33"},
	{text(ParseUserSyntax), "user", "-1", `error: invalid user "-1": uids and gids must be in range 0-2147483647`},
	{text(ParseUserSyntax), "user", "2147483648", `error: invalid user "2147483648": uids and gids must be in range 0-2147483647`},
	{text(ParseUserSyntax), "user", "a:b:c", `error: invalid user "a:b:c": should be name|uid[:group|gid]`},
	{text(ParseUserSyntax), "user", ":x", `error: invalid user ":x": should be name|uid[:group|gid]`},
	{text(ParseWorkdir), "workdir", "/a/../b", "/b"},
	{text(ParseWorkdir), "workdir", "b", "error: the working directory 'b' is invalid, it needs to be an absolute path"},

	{text(ParseSignal), "signal", "term", "SIGTERM"},
	{text(ParseSignal), "signal", "9", "SIGKILL"},
	{text(ParseSignal), "signal", "SIGRTMIN+3", "SIGRTMIN+3"},
	{text(ParseSignal), "signal", "rtmax-1", "SIGRTMIN+29"},
	{text(ParseSignal), "signal", "NOPE", "error: invalid signal: NOPE (did you mean FPE?)"},
	{text(ParseSignal), "signal", "SIGTREM", "error: invalid signal: SIGTREM (did you mean TERM?)"},
	{text(ParseSignal), "signal", "0", "error: invalid signal: 0 (signals are 1 to 64)"},
	{text(ParseSignal), "signal", "65", "error: invalid signal: 65 (signals are 1 to 64)"},
	{text(ParsePlatform), "platform", "linux/arm64/v8", "linux/arm64/v8"},
	{text(ParsePlatform), "platform", "x86_64", "linux/amd64"},
	{text(ParsePlatform), "platform", "windows/amd64", `error: invalid platform "windows/amd64": os "windows" does not run here, only linux does`},
	{text(ParsePlatform), "platform", "linux/amd46", `error: invalid platform "linux/amd46": unknown architecture "amd46" (did you mean amd64?): known are 386, amd64, arm, arm64, loong64, mips64le, ppc64le, riscv64, s390x`},
	{text(ParsePlatform), "platform", "linux/", `error: invalid platform "linux/": should be os/arch[/variant], such as linux/arm64`},
	{one(ParseSecurityOpt), "security", "no-new-privileges:true", "[no-new-privileges]"},
	{one(ParseSecurityOpt), "security", "seccomp=unconfined", "[seccomp=unconfined]"},
	{one(ParseSecurityOpt), "security", "apparmor=unconfined", "[]"},
	{one(ParseSecurityOpt), "security", "seccomp=/p.json", `error: invalid --security-opt "seccomp=/p.json": only seccomp=unconfined is supported, not a profile`},
	{one(ParseSecurityOpt), "security", "bogus", `error: invalid --security-opt "bogus": supported are no-new-privileges and seccomp=unconfined`},
	{text(ParseDetachKeys), "detach", "", "[16 17]"},
	{text(ParseDetachKeys), "detach", "ctrl-a,a,DEL,ctrl-_", "[1 97 127 31]"},
	{text(ParseDetachKeys), "detach", "ctrl-é", `error: invalid detach keys (ctrl-é): unknown key "ctrl-é": a character, ctrl-a to ctrl-z, ctrl- with one of @ [ \ ] ^ _, or DEL`},
}

func TestParse(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name+"/"+fmt.Sprintf("%.20q", c.in), func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.parse(c.in)); diff != "" {
				t.Errorf("%s %q (-want +got):\n%s", c.name, c.in, diff)
			}
		})
	}
}

func TestPortsTogether(t *testing.T) {
	if got, want := ports("80:80", "80:81"), `error: invalid port "80:81": host port 80/tcp is published twice`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := ports("1-1000:1-1000", "2001-2100:1-100"),
		`error: invalid port "2001-2100:1-100": more than 1024 ports: use --network host`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEnvLaterWins(t *testing.T) {
	got, err := ParseEnv([]string{"A=1", "B=2", "A=3"}, os.LookupEnv)
	if diff := cmp.Diff([]string{"A=3", "B=2"}, got); err != nil || diff != "" {
		t.Errorf("ParseEnv: %v %s", err, diff)
	}
}

func TestEnvFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "env")
	for in, want := range map[string]string{
		"\ufeff# c\n\n  A=b # c\nHERE\nQ=\"x y\"\n": `[A=b # c HERE Q="x y"]`,
		"A B=c\n":                              `error: env file "` + path + `" line 1: variable 'A B' contains whitespaces`,
		"A=1\n=c":                              `error: env file "` + path + `" line 2: no variable name on line '=c'`,
		"A=\xff\n":                             `error: env file "` + path + `" line 1: not UTF-8: A=\xff`,
		"A=" + strings.Repeat("x", maxEnvLine): `error: env file "` + path + `": a line is longer than 131072 bytes`,
	} {
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := read(ParseEnvFile(path)); got != want {
			t.Errorf("ParseEnvFile(%.20q) = %s, want %s", in, got, want)
		}
	}
	if got, want := read(ParseEnvFile("/nope")), `error: env file "/nope": no such file or directory`; got != want {
		t.Errorf("ParseEnvFile(/nope) = %s, want %s", got, want)
	}
}

func TestCheckMounts(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nope")
	err := CheckMounts([]containers.Mount{{Type: "bind", Source: missing, Destination: "/x"}})
	if want := "error: bind source path does not exist: " + missing; read("", err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	err = CheckMounts([]containers.Mount{{Type: "volume", Destination: "/x"}, {Type: "tmpfs", Destination: "/x"}})
	if want := "error: Duplicate mount point: /x"; read("", err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzParsers looks for panics and for control characters in messages.
func FuzzParsers(f *testing.F) {
	for _, c := range cases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, c := range cases {
			if got := c.parse(in); strings.HasPrefix(got, "error:") && strings.ContainsFunc(got, func(r rune) bool { return r < ' ' }) {
				t.Errorf("%s(%q): %q", c.name, in, got)
			}
		}
	})
}

func one[T any](parse func([]string) (T, error)) func(string) string {
	return func(s string) string { return read(parse([]string{s})) }
}

func text[T any](parse func(string) (T, error)) func(string) string {
	return func(s string) string { return read(parse(s)) }
}

func twoCPUs(s string) (int64, error) { return ParseCPUs(s, 2) }

func env(s string) string {
	return read(ParseEnv([]string{s}, func(name string) (string, bool) { return "yes", name == "HERE" }))
}
