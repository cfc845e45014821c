package network

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// forwarder serves published ports from the host's side: connections to
// loopback addresses, which the kernel does not redirect, and any that arrive
// while the rules are missing.
type forwarder struct {
	ctx  context.Context
	stop context.CancelFunc
	held *sockets
	wg   sync.WaitGroup
}

// Forward starts serving the endpoint's published ports until it is closed or
// ctx ends. It takes the sockets Attach reserved; for an Endpoint that was
// read back from JSON it binds them anew.
func (m *Manager) Forward(ctx context.Context, ep Endpoint) (io.Closer, error) {
	held := ep.held
	if held == nil {
		var err error
		if held, err = m.reserve(ctx, Spec{ContainerID: ep.ContainerID, Ports: ep.Ports}); err != nil {
			return nil, err
		}
	}
	f := &forwarder{held: held}
	f.ctx, f.stop = context.WithCancel(ctx)
	for i, p := range held.ports {
		to := netip.AddrPortFrom(ep.IPAddress.Addr(), p.ContainerPort)
		if l := held.tcp[i]; l != nil {
			f.wg.Go(func() { f.serveTCP(l, to) })
		} else {
			f.wg.Go(func() { f.serveUDP(held.udp[i], to) })
		}
	}
	context.AfterFunc(f.ctx, held.close)
	return f, nil
}

// Close stops listening, cuts the connections and waits for both.
func (f *forwarder) Close() error {
	f.stop()
	f.held.close()
	f.wg.Wait()
	return nil
}

func (f *forwarder) serveTCP(l *net.TCPListener, to netip.AddrPort) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			if f.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, most likely: wait for some to be freed.
			select {
			case <-f.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		f.wg.Go(func() { f.relay(c, to) })
	}
}

// relay joins a client to the container, each direction ending by itself so
// that a half-closed connection keeps working. The kernel moves the bytes.
func (f *forwarder) relay(client *net.TCPConn, to netip.AddrPort) {
	defer client.Close()
	var d net.Dialer
	conn, err := d.DialContext(f.ctx, "tcp", to.String())
	if err != nil {
		_ = client.SetLinger(0) // the client sees a reset, as if nobody listened
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	cut := context.AfterFunc(f.ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer cut()
	var wg sync.WaitGroup
	pump := func(dst, src *net.TCPConn) {
		_, _ = io.Copy(dst, src)
		_ = dst.CloseWrite()
		_ = src.CloseRead()
	}
	wg.Go(func() { pump(server, client) })
	pump(client, server)
	wg.Wait()
}
