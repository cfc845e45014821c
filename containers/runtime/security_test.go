package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/internal/testenv"
)

func TestNonRootHasNoCapabilities(t *testing.T) {
	out := sh(t, "id -u; id -G; grep ^Cap /proc/self/status", func(s *Spec) { s.UID, s.GID, s.AdditionalGIDs = 1000, 1000, []uint32{7} })
	for _, want := range []string{"1000\n1000 7\n", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t00000000800405fb", "CapInh:\t0000000000000000"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

func TestNoNewPrivileges(t *testing.T) {
	out := sh(t, "grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status", func(s *Spec) { s.NoNewPrivileges = true })
	if want := "NoNewPrivs:\t1\nSeccomp:\t2\n"; out != want {
		t.Errorf("status = %q, want %q", out, want)
	}
}

func TestUnconfined(t *testing.T) {
	out := sh(t, "grep Seccomp: /proc/self/status", func(s *Spec) { s.SeccompUnconfined = true })
	if want := "Seccomp:\t0\n"; out != want {
		t.Errorf("status = %q, want %q", out, want)
	}
}

// Descriptors of this program, kept open across fork on purpose, do not reach
// a container or a program executed in it.
func TestDescriptors(t *testing.T) {
	for range 200 {
		fd, err := unix.Open("/etc", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		check(t, err)
		defer unix.Close(fd)
	}

	out := sh(t, "ls /proc/$$/fd; true")
	if want := "0\n1\n2\n"; out != want {
		t.Errorf("descriptors of the main program = %q, want %q", out, want)
	}
	r := start(t, specOf(t, "/bin/sleep", "100"))
	out, code := execIn(t, r, ExecSpec{Args: []string{"/bin/sh", "-c", "ls /proc/$$/fd; true"}})
	if want := "0\n1\n2\n"; out != want || code != 0 {
		t.Errorf("descriptors of an exec = %q, %d, want %q, 0", out, code, want)
	}
}

func TestMaskedPaths(t *testing.T) {
	script := `for p in ` + strings.Join(masked(), " ") + `; do
  [ -e $p ] || continue
  if [ -d $p ]; then n=$(ls -A $p); touch $p/x 2>/dev/null && echo "$p: writable"
  else n=$(head -c 100 $p); fi
  [ -z "$n" ] || echo "$p: $n"
done; ls -A /proc/acpi /sys/firmware; echo done`
	if out := sh(t, script); !strings.HasSuffix(out, "done\n") || strings.Contains(out, ": w") || strings.Count(out, "\n") > 5 {
		t.Errorf("masked paths show:\n%s", out)
	}
}

func TestReadonlyPaths(t *testing.T) {
	out := sh(t, `grep -E ' /proc/(bus|fs|irq|sys|sysrq-trigger) ' /proc/self/mountinfo | while read a b c d p o r; do echo $p ${o%%,*}; done
echo 1 > /proc/sys/vm/overcommit_memory; mkdir /sys/fs/cgroup/x /sys/x; echo 1 > /sys/fs/cgroup/cgroup.procs`)
	for _, p := range readonlyPaths {
		if _, err := os.Stat(p); err == nil && !strings.Contains(out, p+" ro\n") {
			t.Errorf("%s is not read-only:\n%s", p, out)
		}
	}
	if n := strings.Count(out, "Read-only file system"); n != 4 {
		t.Errorf("%d of 4 writes were refused:\n%s", n, out)
	}
}

func TestCgroupView(t *testing.T) {
	out := sh(t, "cat /proc/self/cgroup; grep -c cgroup /proc/self/mountinfo; mount -o remount,rw /sys/fs/cgroup; umount /sys/fs/cgroup")
	for line := range strings.Lines(out) {
		if part := strings.SplitN(strings.TrimSpace(line), ":", 3); len(part) == 3 && len(part[0]) < 3 && part[2] != "/" {
			t.Errorf("sees the host's cgroup path: %s", line)
		}
	}
	if n := strings.Count(strings.ToLower(out), "operation not permitted") + strings.Count(out, "permission denied"); n != 2 {
		t.Errorf("remount and umount are refused %d times, want 2:\n%s", n, out)
	}
}

func TestDevices(t *testing.T) {
	spec := specOf(t, "/bin/sh", "-c", `cat /disk; cat /tun; cat /fuse; mknod /tmp/x b 254 0; head -c 3 /dev/zero | wc -c; echo x > /dev/null && echo ok; ls /dev`)
	check(t, unix.Mknod(filepath.Join(spec.Rootfs, "disk"), unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0))))
	check(t, unix.Mknod(filepath.Join(spec.Rootfs, "tun"), unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))))
	check(t, unix.Mknod(filepath.Join(spec.Rootfs, "fuse"), unix.S_IFCHR|0o666, int(unix.Mkdev(10, 229))))
	out, _ := run(t, spec)
	for _, want := range []string{
		"cat: can't open '/disk': Operation not permitted", "cat: can't open '/tun': Operation not permitted",
		"cat: can't open '/fuse': Operation not permitted", "mknod: /tmp/x: Operation not permitted", "3\nok\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	for _, n := range strings.Fields("null zero full random urandom tty ptmx fd stdin stdout stderr pts shm mqueue") {
		if !strings.Contains(out, "\n"+n+"\n") {
			t.Errorf("/dev/%s is missing:\n%s", n, out)
		}
	}
}

func TestForbiddenCalls(t *testing.T) {
	spec := specOf(t, "/bin/calls")
	probe(t, spec.Rootfs, "calls")
	out, code := run(t, spec)
	if code != 0 || strings.Count(out, "\n") < 60 {
		t.Fatalf("probe = %d:\n%s", code, out)
	}
	for line := range strings.Lines(out) {
		var name string
		var got int
		_, err := fmt.Sscan(line, &name, &got)
		check(t, err)
		want := int(unix.EPERM)
		switch {
		case name == "clone3":
			want = int(unix.ENOSYS)
		case strings.HasPrefix(name, "allowed-"):
			want = 0
		}
		if got != want {
			t.Errorf("%s gives errno %d, want %d", name, got, want)
		}
	}
}

func TestSocketcall(t *testing.T) {
	spec := specOf(t, "/bin/int80")
	probe(t, spec.Rootfs, "int80")
	if out, code := run(t, spec); code != 128+int(unix.SIGSYS) {
		t.Errorf("32-bit code in an amd64 container = %q, %d, want SIGSYS", out, code)
	}
	spec.Arch, spec.ID = "386", spec.ID+"b"
	if out, _ := run(t, spec); out != fmt.Sprintln(-int(unix.ENOSYS)) {
		t.Errorf("socketcall in a 386 container = %q, want ENOSYS", out)
	}
	spec.AllowSocketcall, spec.ID = true, spec.ID+"c"
	if out, _ := run(t, spec); out == fmt.Sprintln(-int(unix.ENOSYS)) {
		t.Errorf("socketcall = %q although allowed", out)
	}
}

// Own executable: /proc/self/exe of the init stage is not this program's file.
func TestOwnExecutable(t *testing.T) {
	testenv.NeedsRoot(t)
	before, err := os.ReadFile("/proc/self/exe")
	check(t, err)
	spec := specOf(t, "/script")
	check(t, os.WriteFile(filepath.Join(spec.Rootfs, "script"), []byte("#!/proc/self/exe\n"), 0o755))
	c, err := Create(spec)
	check(t, err)
	t.Cleanup(func() { assertGone(t, c) })
	p, err := c.Start(Stdio{})
	check(t, err)
	check(t, c.Release())
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/exe", p.Pid()), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write([]byte("x"))
		_ = f.Close()
	}
	_, _ = p.Wait()
	after, err2 := os.ReadFile("/proc/self/exe")
	check(t, err2)
	if err == nil || string(before) != string(after) {
		t.Errorf("writing to the init stage's executable gave %v; changed: %v", err, string(before) != string(after))
	}
}
