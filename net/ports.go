package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/store"
)

// sockets are the host's listening sockets of a container's published ports.
// They reserve the ports: nobody else can bind them while we hold them.
type sockets struct {
	once  sync.Once
	ports []Port
	tcp   []*net.TCPListener // one of tcp[i], udp[i] is nil
	udp   []*net.UDPConn
}

func (s *sockets) close() {
	s.once.Do(func() {
		for i := range s.ports {
			if s.tcp[i] != nil {
				_ = s.tcp[i].Close()
			} else {
				_ = s.udp[i].Close()
			}
		}
	})
}

// addr is the resolved host address.
func (p Port) addr() netip.Addr {
	a, _ := netip.ParseAddr(p.HostIP)
	return a.Unmap()
}

// reserve binds the host side of every port, choosing ephemeral ones.
func (m *Manager) reserve(ctx context.Context, spec Spec) (*sockets, error) {
	s := &sockets{}
	for _, p := range spec.Ports {
		if p.HostIP == "" {
			p.HostIP = m.bindIP.String()
		}
		if err := s.bind(ctx, p); err != nil {
			s.close()
			return nil, m.explain(ctx, p, err)
		}
	}
	return s, nil
}

// bind listens on p. Port 0 asks for one of the kernel's ephemeral range.
func (s *sockets) bind(ctx context.Context, p Port) error {
	var lc net.ListenConfig
	var (
		tcp   *net.TCPListener
		udp   *net.UDPConn
		local net.Addr
	)
	at := netip.AddrPortFrom(p.addr(), p.HostPort).String()
	family := "6"
	if p.addr().Is4() {
		family = "4"
	}
	if p.Proto == "tcp" {
		l, err := lc.Listen(ctx, "tcp"+family, at)
		if err != nil {
			return err
		}
		tcp, local = l.(*net.TCPListener), l.Addr()
	} else {
		c, err := lc.ListenPacket(ctx, "udp"+family, at)
		if err != nil {
			return err
		}
		udp, local = c.(*net.UDPConn), c.LocalAddr()
	}
	if p.HostPort == 0 {
		_, port, _ := net.SplitHostPort(local.String())
		n, _ := strconv.ParseUint(port, 10, 16)
		p.HostPort = uint16(n)
	}
	s.ports, s.tcp, s.udp = append(s.ports, p), append(s.tcp, tcp), append(s.udp, udp)
	return nil
}

// explain words a failed bind as Docker does and names the container that has
// the port.
func (m *Manager) explain(ctx context.Context, p Port, err error) error {
	at := net.JoinHostPort(p.HostIP, strconv.Itoa(int(p.HostPort)))
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("Bind for %s failed: port is already allocated%s: %w", at, m.holder(ctx, p), store.ErrInUse) //nolint:staticcheck // Docker's words
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("publishing %s: this host has no address %s: %w", at, p.HostIP, store.ErrInvalid)
	default:
		var sys *os.SyscallError
		if errors.As(err, &sys) {
			err = sys.Err
		}
		return fmt.Errorf("publishing %s: %w", at, err)
	}
}

// holder says which container's lease has the port, if one has.
func (m *Manager) holder(ctx context.Context, p Port) string {
	var by string
	_ = m.locked(ctx, func(l *ledger) error {
		for id, le := range l.Leases {
			for _, q := range le.Ports {
				same := q.HostPort == p.HostPort && q.Proto == p.Proto
				meets := q.addr() == p.addr() || q.addr().IsUnspecified() || p.addr().IsUnspecified()
				if same && meets {
					by = " (by container " + short(id) + ")"
				}
			}
		}
		return nil
	})
	return by
}
