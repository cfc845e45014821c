package network

import (
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// forgetFlows drops the kernel's memory of UDP flows to the ports of a lease.
// Without it a client that keeps sending stays bound to the container that had
// the port before. It is best effort: flows also time out.
func forgetFlows(l lease) {
	for _, p := range l.Ports {
		if p.Proto != "udp" || !dnats(p.addr()) {
			continue
		}
		f := &netlink.ConntrackFilter{}
		if f.AddProtocol(unix.IPPROTO_UDP) != nil || f.AddPort(netlink.ConntrackOrigDstPort, p.HostPort) != nil {
			continue
		}
		_, _ = netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, f)
	}
}
