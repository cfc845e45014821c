package network

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	udpIdle    = 90 * time.Second // a client's flow is forgotten after this
	maxUDP     = 65507            // largest datagram
	udpClients = 4096             // flows kept at once per port
)

// flows are the sockets towards the container, one per client, so that the
// answers find their way back.
type flows struct {
	mu sync.Mutex
	by map[netip.AddrPort]*net.UDPConn
}

func (f *forwarder) serveUDP(l *net.UDPConn, to netip.AddrPort) {
	fl := &flows{by: map[netip.AddrPort]*net.UDPConn{}}
	stop := context.AfterFunc(f.ctx, fl.closeAll)
	defer stop()
	defer fl.closeAll()
	buf := make([]byte, maxUDP)
	for {
		n, from, err := l.ReadFromUDPAddrPort(buf)
		if f.ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		if c := f.flow(fl, l, from, to); c != nil {
			_, _ = c.Write(buf[:n])
		}
	}
}

// flow is the socket for a client, made on its first datagram. It is nil when
// there are too many clients or the container cannot be reached; the datagram
// is then lost, as datagrams may be.
func (f *forwarder) flow(fl *flows, l *net.UDPConn, from, to netip.AddrPort) *net.UDPConn {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if c := fl.by[from]; c != nil {
		return c
	}
	if len(fl.by) >= udpClients || f.ctx.Err() != nil {
		return nil
	}
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil
	}
	fl.by[from] = c
	f.wg.Go(func() { fl.answer(l, c, from) })
	return c
}

// answer carries datagrams back to one client until the flow is idle.
func (fl *flows) answer(l, c *net.UDPConn, from netip.AddrPort) {
	defer func() {
		fl.mu.Lock()
		delete(fl.by, from)
		fl.mu.Unlock()
		_ = c.Close()
	}()
	buf := make([]byte, maxUDP)
	for {
		_ = c.SetReadDeadline(time.Now().Add(udpIdle))
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := l.WriteToUDPAddrPort(buf[:n], from); err != nil {
			return
		}
	}
}

func (fl *flows) closeAll() {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	for _, c := range fl.by {
		_ = c.Close()
	}
}
