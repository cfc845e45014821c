package network

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// inside is the name of the interface a container sees.
const inside = "eth0"

// plug makes the veth pair with one end on the bridge and the other, named
// eth0, in the container's namespace, with address and default route.
func plug(ns *os.File, bridge netlink.Link, l lease, subnet netip.Prefix) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = l.Veth
	attrs.MasterIndex = bridge.Attrs().Index
	attrs.Flags = net.FlagUp
	attrs.MTU = bridge.Attrs().MTU
	pair := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         inside,
		PeerHardwareAddr: l.MAC(),
		PeerNamespace:    netlink.NsFd(int(ns.Fd())),
		PeerMTU:          uint32(attrs.MTU),
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making veth %s: %w", l.Veth, err)
	}
	if l.needsDNAT() && bridgeFilters() {
		if err := netlink.LinkSetHairpin(pair, true); err != nil {
			return fmt.Errorf("setting hairpin mode of %s: %w", l.Veth, err)
		}
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(int(ns.Fd())), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("entering the container's network namespace: %w", err)
	}
	defer h.Close()
	if err := configureInside(h, l, subnet); err != nil {
		return err
	}
	ready(h, inside)
	host := &netlink.Handle{}
	ready(host, l.Veth)
	ready(host, bridge.Attrs().Name) // it goes to sleep without ports
	return nil
}

// configureInside sets up eth0 and lo through a handle in the container's
// namespace.
func configureInside(h *netlink.Handle, l lease, subnet netip.Prefix) error {
	eth, err := h.LinkByName(inside)
	if err != nil {
		return fmt.Errorf("looking up %s in the container: %w", inside, err)
	}
	// Up first: the kernel needs a moment to call the link ready, and a packet
	// sent before that is lost.
	if err := h.LinkSetUp(eth); err != nil {
		return fmt.Errorf("bringing up %s in the container: %w", inside, err)
	}
	addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(l.IP, subnet.Bits()))}
	if err := h.AddrAdd(eth, addr); err != nil {
		return fmt.Errorf("giving %s to the container: %w", addr.IPNet, err)
	}
	gw := gateway(subnet).AsSlice()
	if err := h.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: gw}); err != nil {
		return fmt.Errorf("adding the container's default route: %w", err)
	}
	lo := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}
	if err := h.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bringing up lo in the container: %w", err)
	}
	return nil
}

// bridgeFilters reports whether bridged packets pass the IP chains. They are
// then redirected while still on the bridge, and one that a container sends to
// its own published port has to leave by the port it came from.
func bridgeFilters() bool {
	data, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables")
	return err == nil && len(data) > 0 && data[0] == '1'
}

// openNS opens the network namespace spec names.
func openNS(spec Spec) (*os.File, error) {
	path := spec.NetNSPath
	if path == "" {
		path = fmt.Sprintf("/proc/%d/ns/net", spec.Pid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the network namespace of %s: %w", short(spec.ContainerID), err)
	}
	return f, nil
}

// ready waits, at most 50 ms, until the kernel has put a link that was just
// brought up to work. A packet sent before that is lost, and its sender tries
// again only after a second.
func ready(h *netlink.Handle, name string) {
	for deadline := time.Now().Add(50 * time.Millisecond); time.Now().Before(deadline); {
		link, err := h.LinkByName(name)
		if err != nil || link.Attrs().OperState == netlink.OperUp {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// strays lists the veths of this network that no lease knows.
func (m *Manager) strays(leases map[string]lease) ([]netlink.Link, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	known := map[string]bool{}
	for _, l := range leases {
		known[l.Veth] = true
	}
	var found []netlink.Link
	for _, link := range links {
		name := link.Attrs().Name
		if link.Type() == "veth" && strings.HasPrefix(name, m.vethPrefix()) && !known[name] {
			found = append(found, link)
		}
	}
	return found, nil
}
