package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func refused(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }

// claim gives a container's eth0 another address and MAC, as a container with
// NET_ADMIN may.
func claim(t *testing.T, ip netip.Prefix, mac net.HardwareAddr) {
	eth, err := netlink.LinkByName("eth0")
	must(t, err)
	addrs, err := netlink.AddrList(eth, netlink.FAMILY_V4)
	must(t, err)
	for _, a := range addrs {
		must(t, netlink.AddrDel(eth, &a))
	}
	if mac != nil {
		must(t, netlink.LinkSetHardwareAddr(eth, mac))
	}
	must(t, netlink.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(ip)}))
}

func TestForgedSendersAreDropped(t *testing.T) {
	l := newLab(t)
	victim := l.attach("victim")
	serve(t, victim.ns, 80)
	to := victim.IPAddress.Addr().String()
	free := netip.PrefixFrom(victim.IPAddress.Addr().Next().Next().Next().Next(), 16)
	for name, forge := range map[string]func(b box){
		"IP":  func(b box) { claim(t, free, nil) },
		"MAC": func(b box) { claim(t, b.IPAddress, net.HardwareAddr{2, 0x42, 1, 1, 1, 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			b := l.attach("forger of " + name)
			wantAnswer(t, b.ns, to, 80, b.IPAddress.Addr().String())
			in(t, b.ns, func() { forge(b) })
			wantSilence(t, b.ns, to, 80)
			wantSilence(t, b.ns, b.Gateway.String(), 80)
		})
	}
}

func TestOtherBridgesCannotEnter(t *testing.T) {
	l := newLab(t)
	other := New(newDirs(t), Config{Bridge: "gantry9"})
	t.Cleanup(func() { must(t, other.Remove(context.Background())) })
	a := l.attach("a")
	serve(t, a.ns, 80)
	ns := newNS(t)
	b, err := other.Attach(context.Background(), Spec{ContainerID: "b", NetNSPath: nsPath(ns)})
	must(t, err)
	if a.IPAddress.Masked() == b.IPAddress.Masked() {
		t.Fatalf("both networks use %s", a.IPAddress.Masked())
	}
	serve(t, ns, 80)
	wantSilence(t, ns, a.IPAddress.Addr().String(), 80)
	wantSilence(t, a.ns, b.IPAddress.Addr().String(), 80)
}

func TestForwardPolicyOfOthers(t *testing.T) {
	l := newLab(t)
	serve(t, l.lan, 80)
	drop := nftables.ChainPolicyDrop
	c, err := nftables.New()
	must(t, err)
	for _, table := range []string{"filter", "strict"} {
		own := c.AddTable(&nftables.Table{Name: table, Family: nftables.TableFamilyIPv4})
		name := map[string]string{"filter": "FORWARD", "strict": "fwd"}[table]
		c.AddChain(&nftables.Chain{Name: name, Table: own, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &drop})
		must(t, c.Flush())
		a := l.attach("behind " + table)
		if len(a.Notices) == 0 {
			t.Errorf("%s: no notice", table)
		}
		if table == "filter" {
			wantAnswer(t, a.ns, neighbourLAN, 80, hostLAN)
		}
		b := l.attach("second behind " + table)
		if len(b.Notices) != 0 {
			t.Errorf("%s: second Attach says %q again", table, b.Notices)
		}
		if table == "strict" {
			wantSilence(t, a.ns, neighbourLAN, 80)
		}
	}
	must(t, l.Remove(context.Background()))
	rules, err := c.GetRules(&nftables.Table{Name: "filter", Family: nftables.TableFamilyIPv4}, &nftables.Chain{Name: "FORWARD"})
	if err != nil || len(rules) != 0 {
		t.Errorf("after Remove FORWARD holds %d rules, %v, want none", len(rules), err)
	}
	flush(t)
}

func TestUDPBothWays(t *testing.T) {
	l := newLab(t)
	a := l.attach("a", Port{HostIP: "0.0.0.0", HostPort: 5353, ContainerPort: 53, Proto: "udp"})
	in(t, a.ns, func() {
		s, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 53})
		must(t, err)
		t.Cleanup(func() { _ = s.Close() })
		go func() {
			buf := make([]byte, 64)
			for {
				_, from, err := s.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				_, _ = s.WriteToUDPAddrPort([]byte(from.Addr().String()), from)
			}
		}()
	})
	fwd, err := l.Forward(context.Background(), a.Endpoint)
	must(t, err)
	defer fwd.Close()
	say := func(to string) string {
		c, err := net.Dial("udp4", to+":5353")
		must(t, err)
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte("x"))
		buf := make([]byte, 64)
		n, _ := c.Read(buf)
		return string(buf[:n])
	}
	if got := say("127.0.0.1"); got != a.Gateway.String() {
		t.Errorf("through loopback the container saw %q, want %s", got, a.Gateway)
	}
	in(t, l.lan, func() {
		if got := say(hostLAN); got != neighbourLAN {
			t.Errorf("from the LAN the container saw %q, want %s", got, neighbourLAN)
		}
	})
}
