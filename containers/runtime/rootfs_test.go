package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A root file system whose directories are links, FIFOs or files leads nothing
// of ours out of it: the container is contained or does not start.
func TestHostileRoot(t *testing.T) {
	targets := []string{"proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "mnt"}
	kinds := map[string]func(path, victim string) error{
		"link to directory": func(p, v string) error { return os.Symlink(v, p) },
		"link to file":      func(p, v string) error { return os.Symlink(filepath.Join(v, "canary"), p) },
		"link up":           func(p, v string) error { return os.Symlink(strings.Repeat("../", 20)+v[1:], p) },
		"link to nothing":   func(p, v string) error { return os.Symlink(filepath.Join(v, "new"), p) },
		"fifo":              func(p, v string) error { return unix.Mkfifo(p, 0o666) },
		"file":              func(p, v string) error { return os.WriteFile(p, nil, 0o644) },
		"directory":         func(p, v string) error { return os.Mkdir(p, 0o755) },
	}
	for _, target := range targets {
		for kind, plant := range kinds {
			t.Run(target+" "+kind, func(t *testing.T) {
				victim := t.TempDir()
				check(t, os.WriteFile(filepath.Join(victim, "canary"), []byte("secret"), 0o644))
				spec := specOf(t, "/bin/sh", "-c", "for f in /"+target+" /"+target+"/canary; do [ -p $f ] || cat $f; done; ls /"+target)
				for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
					file := filepath.Join(t.TempDir(), name)
					check(t, os.WriteFile(file, []byte("ours\n"), 0o644))
					spec.Mounts = append(spec.Mounts, Mount{file, "/etc/" + name, "bind", []string{"rbind", "rprivate"}})
				}
				spec.Mounts = append(spec.Mounts, Mount{t.TempDir(), "/mnt/volume", "bind", []string{"rbind", "rprivate"}})
				at := filepath.Join(spec.Rootfs, target)
				_ = os.Remove(at)
				check(t, plant(at, victim))
				attempt(t, spec, victim)
			})
		}
	}
}

// attempt runs spec, if it runs, and looks at the victim.
func attempt(t *testing.T, spec Spec, victim string) {
	t.Helper()
	c, err := Create(spec)
	check(t, err)
	defer assertGone(t, c)
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	p, err := c.Start(Stdio{Stdout: w, Stderr: w})
	_ = w.Close()
	if err == nil {
		check(t, c.Release())
		out, _ := (&running{c, p, r, t}).finish()
		if strings.Contains(out, "secret") {
			t.Errorf("the victim is readable: %s", out)
		}
	} else if testing.Verbose() {
		t.Log(err)
	}
	names, err := os.ReadDir(victim)
	check(t, err)
	text, err := os.ReadFile(filepath.Join(victim, "canary"))
	if len(names) != 1 || err != nil || string(text) != "secret" {
		t.Errorf("the victim changed: %v, %q, %v", names, text, err)
	}
}

func TestMounts(t *testing.T) {
	host := t.TempDir()
	check(t, os.WriteFile(filepath.Join(host, "f"), []byte("hello"), 0o644))
	out := sh(t, "cat /data/f; echo x > /data/f; echo x > /rw/g && cat /rw/g; grep -E ' /(scratch|dev/shm) ' /proc/mounts; touch /nope", func(s *Spec) {
		s.ReadonlyRootfs = true
		s.Mounts = []Mount{
			{host, "/data", "bind", []string{"rbind", "rprivate", "ro", "rro"}},
			{host, "/rw", "bind", []string{"rbind", "rprivate"}},
			{"tmpfs", "/scratch", "tmpfs", []string{"noexec", "nosuid", "nodev", "exec", "mode=1777", "size=1m"}},
			{"shm", "/dev/shm", "tmpfs", []string{"nosuid", "noexec", "nodev", "mode=1777", "size=128m"}},
		}
	})
	for _, want := range []string{
		"hello", "can't create /data/f: Read-only file system", "x\n", "touch: /nope: Read-only file system",
		"/scratch tmpfs rw,nosuid,nodev,relatime,size=1024k", "/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=131072k",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

func TestNetworkNamespaces(t *testing.T) {
	ours, err := os.Readlink("/proc/self/ns/net")
	check(t, err)
	if got := sh(t, "ls -l /proc/self/ns/net", func(s *Spec) { s.NetNS = "host" }); !strings.Contains(got, ours) {
		t.Errorf("host network: %q, want %q", got, ours)
	}
	r := start(t, specOf(t, "/bin/sleep", "100"))
	path := fmt.Sprintf("/proc/%d/ns/net", r.Pid())
	theirs, err := os.Readlink(path)
	check(t, err)
	if theirs == ours {
		t.Error("a container of its own shares our network")
	}
	if got := sh(t, "ls -l /proc/self/ns/net", func(s *Spec) { s.NetNS = path }); !strings.Contains(got, theirs) {
		t.Errorf("joined network: %q, want %q", got, theirs)
	}
	out := sh(t, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range; grep -c lo: /proc/net/dev")
	if want := "0\n0\t2147483647\n1\n"; out != want {
		t.Errorf("network settings = %q, want %q", out, want)
	}
}
