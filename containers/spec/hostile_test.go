package spec

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/testenv"
)

func TestUser(t *testing.T) {
	root := rootfs(t, etc())
	for _, tc := range []struct{ in, want string }{
		{"", "0:0 [29] /root"},
		{"ann", "1000:100 [29 44] /home/ann"},
		{"1000", "1000:100 [29 44] /home/ann"},
		{"ann:video", "1000:44 [] /home/ann"},
		{"5:6", "5:6 [] /"},
		{"77", "77:0 [] /"},
		{"2147483648", "error"}, {"4294967295", "error"}, {"4294967296", "error"}, {"-1", "error"}, {"0x0", "error"},
		{"root:x:y", "error"}, {"root:root:y", "error"}, {"0:2147483648", "error"}, {"0:-1", "error"}, {"root:nosuch", "error"},
		{"root\nx", "error"}, {"bad", "error"},
	} {
		got := "error"
		if who, err := User(root, tc.in); err == nil {
			got = describe(who)
		}
		if got != tc.want {
			t.Errorf("User(%q) = %s, want %s", tc.in, got, tc.want)
		}
	}
}

// The files of users may be anything. None of it blocks, is opened outside, or
// costs memory; and never does it make somebody root.
func TestHostilePasswd(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "passwd")
	check(t, os.WriteFile(victim, []byte("mallory:x:0:0::/:/bin/sh\n"), 0o644))
	for name, plant := range map[string]func(path string) error{
		"link out":    func(p string) error { return os.Symlink(victim, p) },
		"link up":     func(p string) error { return os.Symlink(strings.Repeat("../", 20)+victim[1:], p) },
		"magic link":  func(p string) error { return os.Symlink("/proc/self/fd/0", p) },
		"loop":        func(p string) error { return os.Symlink("passwd", p) },
		"fifo":        func(p string) error { return unix.Mkfifo(p, 0o666) },
		"directory":   func(p string) error { return os.Mkdir(p, 0o755) },
		"sparse 1 GB": func(p string) error { return errorsJoin(os.WriteFile(p, nil, 0o644), os.Truncate(p, 1<<30)) },
		"long line":   func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("x", 9<<20)), 0o644) },
		"huge id":     func(p string) error { return os.WriteFile(p, []byte("mallory:x:4294967296:0::/:\n"), 0o644) },
		"negative id": func(p string) error { return os.WriteFile(p, []byte("mallory:x:-4294967296:0::/:\n"), 0o644) },
		"nothing":     func(string) error { return nil },
	} {
		for _, file := range []string{"passwd", "group"} {
			t.Run(file+" "+name, func(t *testing.T) {
				root := rootfs(t, map[string]string{"etc/": ""})
				check(t, plant(filepath.Join(root, "etc", file)))
				begun, before := time.Now(), resident(t)
				who, err := User(root, "mallory:mallory")
				if err == nil {
					t.Errorf("User() = %s, want an error", describe(who))
				}
				if took, more := time.Since(begun), resident(t)-before; took > time.Second || more > 20<<20 {
					t.Errorf("took %v and %d bytes", took, more)
				}
			})
		}
	}
}

func errorsJoin(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// resident is the most memory this process ever had, so differences are growth.
func resident(t *testing.T) int64 {
	var ru syscall.Rusage
	check(t, syscall.Getrusage(syscall.RUSAGE_SELF, &ru))
	return ru.Maxrss << 10
}

// A device as /etc/passwd is refused without being opened.
func TestPasswdIsADevice(t *testing.T) {
	testenv.NeedsRoot(t)
	root := rootfs(t, map[string]string{"etc/": ""})
	check(t, unix.Mknod(filepath.Join(root, "etc/passwd"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
	if _, err := User(root, "root"); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("User() = %v, want a refusal", err)
	}
}

func TestHostileWorkdir(t *testing.T) {
	out := t.TempDir()
	check(t, os.WriteFile(filepath.Join(out, "f"), nil, 0o644))
	in := input(t, map[string]string{"etc/passwd": passwd, "out -> " + out: "", "file -> " + out + "/f": "", "loop -> loop": ""})
	for dir, want := range map[string]string{
		"/out/f":          "/out/f", // there is no such thing inside: made there
		"/file":           "/file",
		"/../../etc":      "/etc",
		"/proc/self/fd/7": "/proc/self/fd/7", // the runtime's to refuse
		"/loop":           "",
	} {
		rec := record()
		rec.Config.WorkingDir = dir
		got, err := Build(rec, in)
		if (want == "") != (err != nil) || got.Cwd != want {
			t.Errorf("WORKDIR %s = %q, %v, want %q", dir, got.Cwd, err, want)
		}
	}
	if names, _ := os.ReadDir(out); len(names) != 1 {
		t.Errorf("outside changed: %v", names)
	}
}

func TestCopyUp(t *testing.T) {
	testenv.NeedsRoot(t)
	outside := t.TempDir()
	check(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o644))
	image := rootfs(t, map[string]string{
		"data/a": "one", "data/sub/b": "two", "data/link -> /etc/passwd": "", "data/away -> " + outside: "",
		"etc/x": "inside", "out -> " + outside: "", "up -> ../../../../../../.." + outside: "",
	})
	check(t, os.Chmod(filepath.Join(image, "data/a"), 0o4751))
	check(t, os.Chown(filepath.Join(image, "data/sub"), 12, 34))
	check(t, os.Link(filepath.Join(image, "data/a"), filepath.Join(image, "data/sub/hard")))
	check(t, os.Chmod(filepath.Join(image, "data"), 0o1770))
	check(t, unix.Mkfifo(filepath.Join(image, "data/fifo"), 0o622))
	root, err := openRoot(image)
	check(t, err)
	defer root.Close()

	data := filepath.Join(t.TempDir(), "vol", "_data")
	check(t, os.MkdirAll(data, 0o755))
	check(t, copyUp(root, "/data", data))
	got := listing(t, data)
	want := listing(t, filepath.Join(image, "data"))
	if got != want {
		t.Errorf("copy:\n%swant:\n%s", got, want)
	}
	check(t, os.Remove(filepath.Join(data, "a")))
	check(t, copyUp(root, "/data", data))
	if _, err := os.Stat(filepath.Join(data, "a")); err == nil {
		t.Error("a volume in use was filled again")
	}
	for _, dest := range []string{"/out", "/up", "/../../.." + outside, "/nosuch", "/etc/x"} {
		fresh := filepath.Join(t.TempDir(), "vol", "_data")
		check(t, os.MkdirAll(fresh, 0o755))
		check(t, copyUp(root, dest, fresh))
		if names, _ := os.ReadDir(fresh); len(names) != 0 {
			t.Errorf("copyUp(%s) brought %v", dest, names)
		}
	}
}
