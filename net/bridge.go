package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// bridge makes sure the bridge is there, up and has the gateway's address. On
// the fast path it looks and writes nothing.
func (m *Manager) bridge(subnet netip.Prefix, leases map[string]lease) (netlink.Link, error) {
	link, err := netlink.LinkByName(m.cfg.Bridge)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return m.makeBridge(subnet, leases)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up bridge %s: %w", m.cfg.Bridge, err)
	}
	if link.Type() != "bridge" {
		return nil, fmt.Errorf("%s exists and is a %s, not a bridge: choose another bridge name", m.cfg.Bridge, link.Type())
	}
	return link, configure(link, subnet)
}

func (m *Manager) makeBridge(subnet netip.Prefix, leases map[string]lease) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = m.cfg.Bridge
	// A set address does not change as ports come and go.
	attrs.HardwareAddr = macOf(gateway(subnet))
	attrs.MTU = uplinkMTU()
	if err := ignore(netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}), unix.EEXIST); err != nil {
		return nil, fmt.Errorf("making bridge %s: %w", m.cfg.Bridge, err)
	}
	link, err := netlink.LinkByName(m.cfg.Bridge)
	if err != nil {
		return nil, fmt.Errorf("looking up bridge %s: %w", m.cfg.Bridge, err)
	}
	if err := configure(link, subnet); err != nil {
		return nil, err
	}
	// Containers that ran when the bridge was removed are plugged in again.
	for _, l := range leases {
		if veth, err := netlink.LinkByName(l.Veth); err == nil {
			_ = netlink.LinkSetMaster(veth, link)
		}
	}
	return link, nil
}

// configure brings link up with the gateway's address.
func configure(link netlink.Link, subnet netip.Prefix) error {
	name := link.Attrs().Name
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_V4) })
	if err != nil {
		return fmt.Errorf("reading the addresses of %s: %w", name, err)
	}
	want := ipNet(netip.PrefixFrom(gateway(subnet), subnet.Bits()))
	found := false
	for _, a := range addrs {
		if a.IPNet.String() == want.String() {
			found = true
			continue
		}
		if err := netlink.AddrDel(link, &a); err != nil {
			return fmt.Errorf("removing %s from %s: %w", a.IPNet, name, err)
		}
	}
	if !found {
		if err := ignore(netlink.AddrAdd(link, &netlink.Addr{IPNet: want}), unix.EEXIST); err != nil {
			return fmt.Errorf("giving %s to %s: %w", want, name, err)
		}
	}
	if link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bringing up %s: %w", name, err)
	}
	return nil
}

// uplinkMTU is the MTU of the default route's link when it is below Ethernet's,
// else 0 (the kernel's default): packets of containers must fit the way out.
func uplinkMTU() int {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: nil}, netlink.RT_FILTER_DST)
	if err != nil || len(routes) == 0 {
		return 0
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil || link.Attrs().MTU >= 1500 || link.Attrs().MTU < 576 {
		return 0
	}
	return link.Attrs().MTU
}

const forwardSwitch = "/proc/sys/net/ipv4/ip_forward"

// forwarding turns IPv4 forwarding on and returns a notice when it was off.
func forwarding() (notice string, err error) {
	data, err := os.ReadFile(forwardSwitch)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(data)) == "1" {
		return "", nil
	}
	if err := os.WriteFile(forwardSwitch, []byte("1"), 0o644); err != nil {
		return "IPv4 forwarding is off and could not be turned on, so containers reach only this host: " + err.Error(), nil
	}
	return "turned on IPv4 forwarding (net.ipv4.ip_forward), which containers need to reach other hosts", nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}
