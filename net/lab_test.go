package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry/internal/flock"
	"gantry/internal/testenv"
)

// The tests run in a network namespace of their own, which plays the host:
// TestMain starts the test binary again inside it.
const inLab = "GANTRY_NET_LAB"

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(inLab) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inLab+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if err := cmd.Run(); err != nil {
		os.Exit(max(1, cmd.ProcessState.ExitCode()))
	}
}

// dirs is a store in two temporary directories.
type dirs struct{ root, run string }

// newDirs keeps the run directory in memory, as it is on a real machine.
func newDirs(t testing.TB) dirs {
	run, err := os.MkdirTemp("/dev/shm", "gantry-net-test-")
	if err != nil {
		run = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(run) })
	return dirs{t.TempDir(), run}
}

func (d dirs) Path(elem ...string) string {
	return filepath.Join(append([]string{d.root}, elem...)...)
}
func (d dirs) RunPath(elem ...string) string {
	return filepath.Join(append([]string{d.run}, elem...)...)
}
func (d dirs) BootID() string { return "boot" }
func (d dirs) Lock(ctx context.Context, kind, key string) (*flock.Lock, error) {
	return flock.Acquire(ctx, filepath.Join(d.run, kind+"."+key), flock.Exclusive)
}

// lab is a host with a manager and a neighbour on the same LAN.
type lab struct {
	*Manager
	t   testing.TB
	lan *os.File // the neighbour's namespace
}

const (
	hostLAN      = "192.168.77.1"
	neighbourLAN = "192.168.77.2"
)

func newLab(t testing.TB) *lab {
	t.Helper()
	testenv.NeedsRoot(t)
	if os.Getenv(inLab) == "" {
		t.Fatal("not in the lab's namespace")
	}
	must(t, netlink.LinkSetUp(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}))
	// A new namespace starts with the machine's setting.
	must(t, os.WriteFile(forwardSwitch, []byte("0"), 0o644))
	l := &lab{Manager: New(newDirs(t), Config{}), t: t, lan: newNS(t)}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(l.lan.Fd()))}
	must(t, netlink.LinkAdd(pair))
	join := func(name, addr string) {
		link, err := netlink.LinkByName(name)
		must(t, err)
		a, err := netlink.ParseAddr(addr + "/24")
		must(t, err)
		must(t, netlink.AddrAdd(link, a))
		must(t, netlink.LinkSetUp(link))
	}
	join("lan0", hostLAN)
	in(t, l.lan, func() {
		join("eth0", neighbourLAN)
		must(t, netlink.LinkSetUp(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}))
		must(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(hostLAN)}))
	})
	ready(&netlink.Handle{}, "lan0")
	in(t, l.lan, func() { ready(&netlink.Handle{}, "eth0") })
	t.Cleanup(func() {
		must(t, l.Remove(context.Background()))
		must(t, netlink.LinkDel(pair))
	})
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newNS makes a network namespace that lives until the test ends.
func newNS(t testing.TB) *os.File {
	t.Helper()
	type made struct {
		f   *os.File
		err error
	}
	c := make(chan made)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			c <- made{err: err}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		c <- made{f, err}
	}()
	m := <-c
	must(t, m.err)
	t.Cleanup(func() { _ = m.f.Close() })
	return m.f
}

// in runs f on a thread in the namespace.
func in(t testing.TB, ns *os.File, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		var err error
		defer func() { done <- err }()
		runtime.LockOSThread()
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
			f()
		}
	}()
	must(t, <-done)
}

// box is a container: a namespace that was attached.
type box struct {
	ns *os.File
	Endpoint
}

func (l *lab) attach(id string, ports ...Port) box {
	l.t.Helper()
	ns := newNS(l.t)
	ep, err := l.Attach(context.Background(), Spec{ContainerID: id, NetNSPath: nsPath(ns), Ports: ports})
	must(l.t, err)
	l.t.Cleanup(ep.Release)
	return box{ns, ep}
}

func nsPath(ns *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", ns.Fd()) }

// serve answers TCP connections in ns with the address it sees the peer at.
func serve(t testing.TB, ns *os.File, port uint16) {
	t.Helper()
	in(t, ns, func() {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: int(port)})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
				_, _ = io.WriteString(c, host)
				_ = c.Close()
			}
		}()
	})
}

// ask connects from ns (nil: the host) and returns what the server says.
func ask(t testing.TB, ns *os.File, ip string, port uint16) (string, error) {
	t.Helper()
	var (
		said []byte
		err  error
	)
	call := func() {
		var c net.Conn
		c, err = net.DialTimeout("tcp4", netip.AddrPortFrom(netip.MustParseAddr(ip), port).String(), 600*time.Millisecond)
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(2 * time.Second))
		said, err = io.ReadAll(c)
	}
	if ns == nil {
		call()
	} else {
		in(t, ns, call)
	}
	return string(said), err
}

func wantAnswer(t testing.TB, ns *os.File, ip string, port uint16, want string) {
	t.Helper()
	got, err := ask(t, ns, ip, port)
	if err != nil || got != want {
		t.Errorf("asking %s:%d = %q, %v, want %q", ip, port, got, err, want)
	}
}

func wantSilence(t testing.TB, ns *os.File, ip string, port uint16) {
	t.Helper()
	if got, err := ask(t, ns, ip, port); err == nil {
		t.Errorf("asking %s:%d = %q, want no answer", ip, port, got)
	}
}
