package registry

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
)

// reach sorts addresses by who can be behind them.
type reach int32

const (
	unknown  reach = iota
	public         // the Internet
	private        // this site's networks
	loopback       // this machine
	metadata       // link-local and unspecified: cloud metadata services live there
)

func reachOf(a netip.Addr) reach {
	a = a.Unmap()
	switch {
	case a.IsLoopback():
		return loopback
	case a.IsLinkLocalUnicast(), a.IsLinkLocalMulticast(), a.IsUnspecified(), a.IsMulticast():
		return metadata
	case a.IsPrivate(), sharedSpace.Contains(a):
		return private
	}
	return public
}

// sharedSpace is carrier-grade NAT (RFC 6598), where some clouds keep theirs.
var sharedSpace = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)

// neighbourhood remembers how near the registry itself was and judges other
// hosts it sends us to: none may be nearer than it is.
type neighbourhood struct{ registry atomic.Int32 }

// learn is the Control function of connections to the registry itself.
func (n *neighbourhood) learn(_, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(address); err == nil {
		n.registry.Store(int32(reachOf(a.Addr())))
	}
	return nil
}

// tokenServer is the Control function of connections to a token server, which
// gets to see credentials: it is on the Internet, or on the site's networks if
// the registry is too. A server beside the registry on this machine has to
// share its host and port.
func (n *neighbourhood) tokenServer(_, address string, _ syscall.RawConn) error {
	return n.judge(address, func(r, home reach) bool {
		return r == public || r == private && home == private
	})
}

// blobServer is the Control function of connections that a redirect of a
// manifest or blob leads to. They carry no credentials.
func (n *neighbourhood) blobServer(_, address string, _ syscall.RawConn) error {
	return n.judge(address, func(r, home reach) bool {
		return r == public || r == private && home != public || r == loopback && home == loopback
	})
}

func (n *neighbourhood) judge(address string, allowed func(r, home reach) bool) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %s: %w", address, err)
	}
	if !allowed(reachOf(a.Addr()), reach(n.registry.Load())) {
		return fmt.Errorf("the registry sends us to %s, an internal address: refused", a.Addr())
	}
	return nil
}

// isLoopback says whether host[:port] can only be this machine.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
