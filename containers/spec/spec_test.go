package spec

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/containers"
	"gantry/containers/runtime"
)

// rootfs makes a directory of the given files; a name ending in / is a
// directory, "a -> b" a link.
func rootfs(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, strings.Fields(name)[0])
		check(t, os.MkdirAll(filepath.Dir(at), 0o755))
		switch _, target, link := strings.Cut(name, " -> "); {
		case link:
			check(t, os.Symlink(target, at))
		case strings.HasSuffix(name, "/"):
			check(t, os.MkdirAll(at, 0o755))
		default:
			check(t, os.WriteFile(at, []byte(text), 0o644))
		}
	}
	return root
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100:Ann:/home/ann:/bin/sh\nbad:x:4294967296:1:::\n"

const groups = "root:x:0:\nusers:x:100:\naudio:x:29:ann,root\nvideo:x:44:ann\n"

func record() containers.Record {
	return containers.Record{
		ID: strings.Repeat("0123456789abcdef", 4), Platform: "linux/amd64",
		Config: containers.Config{Cmd: []string{"sh"}},
	}
}

func input(t testing.TB, files map[string]string) In {
	return In{Rootfs: rootfs(t, files), StateRoot: "/run/x", ContainerDir: t.TempDir(), ResolvConf: []byte("nameserver 1.1.1.1\n")}
}

func etc() map[string]string { return map[string]string{"etc/passwd": passwd, "etc/group": groups} }

func TestBuild(t *testing.T) {
	rec, in := record(), input(t, etc())
	rec.Config = containers.Config{
		Entrypoint: []string{"/entry"}, Cmd: []string{"a", "b"}, User: "ann", Tty: true, WorkingDir: "/srv/../app",
		Env: []string{"A=1", "SECRET", "*", "=x", "A=2", "PATH=/bin"},
	}
	rec.Host = containers.HostConfig{Memory: 1 << 30, NanoCPUs: 5e8, PidsLimit: 9, SecurityOpt: []string{"no-new-privileges"}}
	t.Setenv("SECRET", "canary")
	got, err := Build(rec, in)
	check(t, err)
	want := runtime.Spec{
		ID: rec.ID, StateRoot: "/run/x", Rootfs: in.Rootfs, Args: []string{"/entry", "a", "b"},
		Env: []string{"PATH=/bin", "HOSTNAME=0123456789ab", "TERM=xterm", "A=2", "HOME=/home/ann"},
		Cwd: "/app", UID: 1000, GID: 100, AdditionalGIDs: []uint32{29, 44}, Tty: true, Hostname: "0123456789ab",
		NetNS: "new", Memory: 1 << 30, NanoCPUs: 5e8, PidsLimit: 9, NoNewPrivileges: true, Arch: "amd64",
		Mounts: etcMounts(in.ContainerDir, nil),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Build() differs (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(filepath.Join(in.ContainerDir, "hostname"))
	if string(text) != "0123456789ab\n" || err != nil {
		t.Errorf("hostname = %q, %v", text, err)
	}
}

// Labels are data: whatever they say, the spec is the same.
func TestLabelsDoNotMatter(t *testing.T) {
	rec, in := record(), input(t, etc())
	plain, err := Build(rec, in)
	check(t, err)
	rec.Config.Labels = map[string]string{}
	for _, k := range strings.Fields("io.podman.annotations.privileged run.oci.keep_original_groups org.systemd.property.ExecStop org.opencontainers.runc.exe io.containers.trace-syscall containerd.io/restart.status run.oci.hooks.stderr io.podman.annotations.seccomp module.wasm.image/variant org.criu.config") {
		rec.Config.Labels[k] = "TRUE"
	}
	labelled, err := Build(rec, in)
	check(t, err)
	if diff := cmp.Diff(plain, labelled); diff != "" {
		t.Errorf("labels changed the spec:\n%s", diff)
	}
}

func TestBuildErrors(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		change     func(*containers.Record)
	}{
		{"no command", "no command specified", func(r *containers.Record) { r.Config.Cmd = nil }},
		{"empty command", "no command specified", func(r *containers.Record) { r.Config.Cmd = []string{""} }},
		{"user", "unable to find user nosuch: no matching entries in passwd file", func(r *containers.Record) { r.Config.User = "nosuch" }},
		{"relative workdir", `the working directory "a" is invalid, it needs to be an absolute path`, func(r *containers.Record) { r.Config.WorkingDir = "a" }},
		{"workdir is a file", `working directory "/etc/passwd" is a file, not a directory`, func(r *containers.Record) { r.Config.WorkingDir = "/etc/passwd" }},
		{"home", "environment variable HOME: line break in a path", func(r *containers.Record) { r.Config.Env = []string{"HOME=/a\nroot::0:0"} }},
		{"hostname", `invalid hostname "a\nb": at most 64 letters, digits, dots and hyphens`, func(r *containers.Record) { r.Config.Hostname = "a\nb" }},
		{"security", `invalid --security-opt "x=y": know seccomp=unconfined, no-new-privileges, socketcall=allow`, func(r *containers.Record) { r.Host.SecurityOpt = []string{"x=y"} }},
		{"bind", `invalid mount config for type "bind": bind source path does not exist: /nosuch/dir`, mount("bind", "/nosuch/dir", "/a")},
		{"bind relative", `invalid mount config for type "bind": invalid mount path: "a" mount path must be absolute`, mount("bind", "a", "/a")},
		{"root", "invalid specification: destination can't be '/'", mount("bind", "/etc", "/a/..")},
		{"destination", `invalid mount path: "a" mount path must be absolute`, mount("bind", "/etc", "a")},
		{"type", `invalid mount type "npipe" for /a: bind, volume or tmpfs`, mount("npipe", "", "/a")},
		{"option", `mount /a: unknown option "suidx"`, mount("bind", "/etc", "/a", "suidx")},
		{"volume", `volume "v": no directory for it`, mount("volume", "v", "/a")},
		{"twice", "duplicate mount point: /a", func(r *containers.Record) {
			mount("tmpfs", "", "/a")(r)
			r.Host.Mounts = append(r.Host.Mounts, containers.Mount{Type: "tmpfs", Destination: "/a/"})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := record()
			tc.change(&rec)
			_, err := Build(rec, input(t, etc()))
			if err == nil || err.Error() != tc.want {
				t.Errorf("Build() = %v, want %s", err, tc.want)
			}
		})
	}
}

func mount(kind, source, dest string, options ...string) func(*containers.Record) {
	return func(r *containers.Record) {
		r.Host.Mounts = []containers.Mount{{Type: kind, Source: source, Destination: dest, Options: options}}
	}
}

func TestMounts(t *testing.T) {
	rec, in := record(), input(t, etc())
	data := filepath.Join(t.TempDir(), "v", "_data")
	check(t, os.MkdirAll(data, 0o755))
	in.Volumes = map[string]string{"v": data}
	rec.Host.Mounts = []containers.Mount{
		{Type: "tmpfs", Destination: "/a/b/c", Options: []string{"size=1m"}},
		{Type: "bind", Source: "/etc", Destination: "/a/b", ReadOnly: true, Options: []string{"z", "rslave"}},
		{Type: "volume", Source: "v", Destination: "/a"},
		{Type: "bind", Source: "/etc/hosts", Destination: "/etc/hosts"},
	}
	got, err := Build(rec, in)
	check(t, err)
	want := []runtime.Mount{
		{Source: data, Destination: "/a", Type: "bind", Options: []string{"rbind", "rprivate"}},
		{Source: "/etc", Destination: "/a/b", Type: "bind", Options: []string{"rbind", "rslave", "ro", "rro"}},
		{Source: "/etc/hosts", Destination: "/etc/hosts", Type: "bind", Options: []string{"rbind", "rprivate"}},
		{Source: "tmpfs", Destination: "/a/b/c", Type: "tmpfs", Options: []string{"noexec", "nosuid", "nodev", "rprivate", "size=1m", "mode=1777"}},
	}
	want = append(want, etcMounts(in.ContainerDir, map[string]bool{"/etc/hosts": true})...)
	if diff := cmp.Diff(want, got.Mounts); diff != "" {
		t.Errorf("mounts differ (-want +got):\n%s", diff)
	}
}

func TestExec(t *testing.T) {
	rec, in := record(), input(t, etc())
	rec.Config.User, rec.Config.WorkingDir, rec.Config.Env = "ann", "/app", []string{"A=1", "B=1"}
	got, err := Exec(rec, in.Rootfs, ExecIn{Args: []string{"id"}, Env: []string{"B=2"}, User: "0:audio"})
	check(t, err)
	want := runtime.ExecSpec{
		Args: []string{"id"}, Cwd: "/app", GID: 29,
		Env: []string{"PATH=" + defaultPath, "HOSTNAME=0123456789ab", "A=1", "B=2", "HOME=/root"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Exec() differs (-want +got):\n%s", diff)
	}
}

func TestArch(t *testing.T) {
	for _, tc := range []struct{ platform, file, want string }{
		{"linux/amd64", "x", "amd64"},
		{"linux/arm64/v8", "lib/ld-linux.so.2", "arm64"},
		{"linux/386", "x", "386"},
		{"linux/amd64", "lib/ld-linux.so.2", "386"},
		{"linux/amd64", "lib/ld-musl-i386.so.1", "386"},
		{"", "x", ""},
	} {
		rec := record()
		rec.Platform = tc.platform
		got, err := Build(rec, input(t, map[string]string{tc.file: ""}))
		check(t, err)
		if got.Arch != tc.want {
			t.Errorf("Build(%s with %s).Arch = %q, want %q", tc.platform, tc.file, got.Arch, tc.want)
		}
	}
}

func TestWriteHosts(t *testing.T) {
	dir := t.TempDir()
	check(t, WriteHosts(dir, "box", netip.Addr{}))
	before, err := os.Stat(filepath.Join(dir, "hosts"))
	check(t, err)
	check(t, WriteHosts(dir, "box", netip.MustParseAddr("10.0.0.2")))
	after, err := os.Stat(filepath.Join(dir, "hosts"))
	check(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "hosts"))
	check(t, err)
	if !os.SameFile(before, after) || !strings.HasSuffix(string(text), "\n10.0.0.2\tbox\n") {
		t.Errorf("hosts = %q, same file: %v", text, os.SameFile(before, after))
	}
}
