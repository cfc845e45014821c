package network

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"gantry/store"
)

func TestContainerReachesOutThroughNAT(t *testing.T) {
	l := newLab(t)
	a := l.attach("a")
	serve(t, l.lan, 80)
	wantAnswer(t, a.ns, neighbourLAN, 80, hostLAN)
	if len(a.Notices) != 1 {
		t.Errorf("Notices = %q, want one about forwarding", a.Notices)
	}
}

func TestContainersReachEachOther(t *testing.T) {
	l := newLab(t)
	a, b := l.attach("a"), l.attach("b")
	serve(t, b.ns, 80)
	wantAnswer(t, a.ns, b.IPAddress.Addr().String(), 80, a.IPAddress.Addr().String())
	wantAnswer(t, nil, b.IPAddress.Addr().String(), 80, b.Gateway.String())
}

func TestLoopbackPortStaysOnTheHost(t *testing.T) {
	l := newLab(t)
	a := l.attach("a", Port{ContainerPort: 80, Proto: "tcp"})
	serve(t, a.ns, 80)
	fwd, err := l.Forward(context.Background(), a.Endpoint)
	must(t, err)
	defer fwd.Close()
	port := a.Ports[0]
	if port.HostIP != "127.0.0.1" || port.HostPort == 0 {
		t.Fatalf("resolved port = %+v, want an ephemeral one at 127.0.0.1", port)
	}
	wantAnswer(t, nil, "127.0.0.1", port.HostPort, a.Gateway.String())
	wantSilence(t, l.lan, hostLAN, port.HostPort)
	wantSilence(t, l.lan, a.IPAddress.Addr().String(), 80) // routed to us on purpose
	in(t, l.lan, func() { routeLoopback(t) })
	wantSilence(t, l.lan, "127.0.0.5", port.HostPort)
}

// routeLoopback makes the neighbour send packets for 127.0.0.5 to the host.
func routeLoopback(t *testing.T) {
	eth, err := netlink.LinkByName("eth0")
	must(t, err)
	dst, err := netlink.ParseIPNet("127.0.0.5/32")
	must(t, err)
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: dst}))
}

func TestPublishedPortKeepsTheSourceAddress(t *testing.T) {
	l := newLab(t)
	a := l.attach("a", Port{HostIP: "0.0.0.0", HostPort: 8080, ContainerPort: 80, Proto: "tcp"})
	b := l.attach("b")
	serve(t, a.ns, 80)
	fwd, err := l.Forward(context.Background(), a.Endpoint)
	must(t, err)
	wantAnswer(t, l.lan, hostLAN, 8080, neighbourLAN)
	wantAnswer(t, nil, hostLAN, 8080, hostLAN)                // output chain
	wantAnswer(t, nil, "127.0.0.1", 8080, a.Gateway.String()) // forwarder
	wantAnswer(t, b.ns, hostLAN, 8080, a.Gateway.String())    // hairpin
	wantAnswer(t, a.ns, hostLAN, 8080, a.Gateway.String())    // to itself
	wantSilence(t, l.lan, a.IPAddress.Addr().String(), 80)    // not by its own address
	must(t, fwd.Close())
	must(t, l.Detach(context.Background(), "a"))
	wantSilence(t, l.lan, hostLAN, 8080)
}

func TestBusyPortNamesItsHolder(t *testing.T) {
	l := newLab(t)
	busy := Port{HostIP: "0.0.0.0", HostPort: 8080, ContainerPort: 80, Proto: "tcp"}
	l.attach("0123456789abcdef", busy)
	_, err := l.Attach(context.Background(), Spec{ContainerID: "b", NetNSPath: nsPath(newNS(t)), Ports: []Port{busy}})
	want := "Bind for 0.0.0.0:8080 failed: port is already allocated (by container 0123456789ab): in use"
	if err == nil || err.Error() != want || !errors.Is(err, store.ErrInUse) {
		t.Errorf("Attach = %v, want %s", err, want)
	}
}

func TestConcurrentAttachGivesDistinctAddresses(t *testing.T) {
	l := newLab(t)
	l.attach("first")
	const n = 20
	var wg sync.WaitGroup
	got := make([]Endpoint, n)
	start := time.Now()
	for i := range n {
		ns := newNS(t)
		wg.Go(func() {
			ep, err := l.Attach(context.Background(), Spec{ContainerID: fmt.Sprint("c", i), NetNSPath: nsPath(ns)})
			if err != nil {
				t.Error(err)
			}
			got[i] = ep
		})
	}
	wg.Wait()
	t.Logf("%d at once: %v", n, time.Since(start))
	seen := map[string]bool{}
	for _, ep := range got {
		seen[ep.IPAddress.String()] = true
		if _, err := ask(t, nil, ep.IPAddress.Addr().String(), 9); err == nil || !refused(err) {
			t.Errorf("%s: %v, want connection refused", ep.IPAddress, err)
		}
	}
	if len(seen) != n {
		t.Errorf("%d distinct addresses, want %d", len(seen), n)
	}
}

func TestDetachIsIdempotent(t *testing.T) {
	l := newLab(t)
	ctx := context.Background()
	must(t, l.Detach(ctx, "never"))
	a := l.attach("a")
	must(t, l.Detach(ctx, "a"))
	must(t, l.Detach(ctx, "a"))
	again := l.attach("a")
	if again.IPAddress == a.IPAddress {
		t.Errorf("address %s reused at once", a.IPAddress)
	}
	if got := l.tags(); len(got) != 1 || got[0] != "a" {
		t.Errorf("elements = %v, want [a]", got)
	}
}

// tags lists the container IDs in the senders set.
func (l *lab) tags() []string {
	l.t.Helper()
	c, err := nftables.New()
	must(l.t, err)
	set, err := c.GetSetByName(&nftables.Table{Name: l.table(), Family: nftables.TableFamilyBridge}, "senders")
	must(l.t, err)
	elems, err := c.GetSetElements(set)
	must(l.t, err)
	var ids []string
	for _, e := range elems {
		ids = append(ids, e.Comment)
	}
	sort.Strings(ids)
	return ids
}

func TestSweepRemovesTheDead(t *testing.T) {
	l := newLab(t)
	ctx := context.Background()
	a := l.attach("alive")
	l.attach("dead", Port{HostIP: "0.0.0.0", HostPort: 8080, ContainerPort: 80, Proto: "tcp"})
	stray := l.vethPrefix() + "stray"
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: stray}, PeerName: "x"}))
	must(t, l.Sweep(ctx, func(id string) bool { return id == "alive" }))
	if got := l.tags(); len(got) != 1 || got[0] != "alive" {
		t.Errorf("elements = %v, want [alive]", got)
	}
	links, err := l.strays(nil)
	must(t, err)
	if len(links) != 1 || links[0].Attrs().Name != a.HostVeth {
		t.Errorf("veths left: %v, want only %s", links, a.HostVeth)
	}
	must(t, l.Sweep(ctx, func(id string) bool { return true }))
}

func TestAttachRepairsWhatOthersRemoved(t *testing.T) {
	l := newLab(t)
	serve(t, l.lan, 80)
	pub := Port{HostIP: "0.0.0.0", HostPort: 8080, ContainerPort: 80, Proto: "tcp"}
	a := l.attach("a", pub)
	serve(t, a.ns, 80)
	damages := map[string]func(){
		"rules flushed": func() { flush(t) },
		"bridge down": func() {
			br, err := netlink.LinkByName(l.cfg.Bridge)
			must(t, err)
			must(t, netlink.LinkSetDown(br))
		},
		"bridge removed": func() {
			br, err := netlink.LinkByName(l.cfg.Bridge)
			must(t, err)
			must(t, netlink.LinkDel(br))
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			damage()
			b := l.attach(name)
			wantAnswer(t, b.ns, neighbourLAN, 80, hostLAN)
			wantAnswer(t, a.ns, neighbourLAN, 80, hostLAN)
			wantAnswer(t, l.lan, hostLAN, 8080, neighbourLAN)
		})
	}
}

// flush does what nft flush ruleset does.
func flush(t testing.TB) {
	c, err := nftables.New()
	must(t, err)
	c.FlushRuleset()
	must(t, c.Flush())
}

// TestFirstPacketIsNotLost starts on a bridge without ports each time, which the
// kernel has to wake.
func TestFirstPacketIsNotLost(t *testing.T) {
	l := newLab(t)
	for range 15 {
		must(t, l.Remove(context.Background()))
		a := l.attach("a")
		start := time.Now()
		if _, err := ask(t, a.ns, hostLAN, 9); !refused(err) {
			t.Errorf("first connection after %v: %v, want refused", time.Since(start), err)
		}
	}
}

func TestAttachSpeed(t *testing.T) {
	l := newLab(t)
	l.attach("warm")
	var took []time.Duration
	var slowest time.Duration // first connection of a container
	for i := range 30 {
		ns := newNS(t)
		start := time.Now()
		_, err := l.Attach(context.Background(), Spec{ContainerID: fmt.Sprint("c", i), NetNSPath: nsPath(ns)})
		took = append(took, time.Since(start))
		must(t, err)
		first := time.Now()
		if _, err := ask(t, ns, hostLAN, 9); !refused(err) {
			t.Errorf("first packet: %v, want connection refused", err)
		}
		slowest = max(slowest, time.Since(first))
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	t.Logf("Attach: median %v, best %v, worst %v; slowest first connection %v", took[15], took[0], took[29], slowest)
	if took[15] > 50*time.Millisecond {
		t.Errorf("median Attach took %v", took[15])
	}
}
