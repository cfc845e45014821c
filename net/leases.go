package network

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"gantry/internal/atomicfile"
	"gantry/store"
)

// lease is what a container holds of the network. The rules the kernel should
// have are a function of all leases.
type lease struct {
	IP    netip.Addr `json:"ip"`
	Veth  string     `json:"veth"`
	Ports []Port     `json:"ports,omitempty"`
}

// pool is one bridge's part of $GANTRY_RUN/ipam.json.
type pool struct {
	Boot   string           `json:"boot"` // leases of another boot are void
	Last   netip.Addr       `json:"last"` // the address given out last
	Leases map[string]lease `json:"leases"`
	// Gen is the generation of the kernel's ruleset after our last change.
	// While the kernel still reports it nobody has touched any rule since, so
	// a change can be sent as a delta; otherwise all is written anew.
	Gen   uint32 `json:"gen,omitempty"`
	Guard bool   `json:"guard"` // the anti-spoof table is in force
}

// MAC is derived from the address, so that a reused address never meets a
// stale neighbour entry.
func (l lease) MAC() net.HardwareAddr { return macOf(l.IP) }

func macOf(ip netip.Addr) net.HardwareAddr {
	a := ip.As4()
	return net.HardwareAddr{0x02, 0x42, a[0], a[1], a[2], a[3]}
}

// ledger is ipam.json, read and written under the "ipam" lock. It lives beside
// the sockets, in memory: leases do not outlive a boot, and replacing a file on
// a disk would cost more than all the rest of an Attach.
type ledger struct {
	path  string
	pools map[string]*pool
	*pool // of this manager's bridge
}

// open reads the ledger. The caller holds the "ipam" lock. A damaged file is
// an error rather than an empty ledger: its leases may be in use.
func (m *Manager) open() (*ledger, error) {
	l := &ledger{path: m.store.RunPath("ipam.json"), pools: map[string]*pool{}}
	data, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		if err := json.Unmarshal(data, &l.pools); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", l.path, store.ErrDamaged, err)
		}
	}
	p := l.pools[m.cfg.Bridge]
	if p == nil || p.Boot != m.store.BootID() {
		p = &pool{Boot: m.store.BootID()}
	}
	if p.Leases == nil {
		p.Leases = map[string]lease{}
	}
	l.pools[m.cfg.Bridge], l.pool = p, p
	return l, nil
}

// save writes the ledger.
func (l *ledger) save() error {
	return atomicfile.WriteJSON(l.path, l.pools, 0o600, atomicfile.Crash)
}

// locked runs f with the ledger open and saves it unless f failed.
func (m *Manager) locked(ctx context.Context, f func(*ledger) error) error {
	if m.err != nil {
		return m.err
	}
	lock, err := m.store.Lock(ctx, "ipam", "ipam")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	l, err := m.open()
	if err != nil {
		return err
	}
	if err := f(l); err != nil {
		return err
	}
	return l.save()
}

// next is the first free address after the one given out last. Going round
// keeps an address that was just freed out of use while its former owner's
// namespace is still being torn down.
func (p *pool) next(subnet netip.Prefix) (netip.Addr, error) {
	taken := make(map[netip.Addr]bool, len(p.Leases))
	for _, l := range p.Leases {
		taken[l.IP] = true
	}
	gw, broadcast := gateway(subnet), lastAddr(subnet)
	ip := p.Last
	if !subnet.Contains(ip) {
		ip = gw
	}
	for range hosts(subnet) {
		if ip = ip.Next(); ip == broadcast || !subnet.Contains(ip) {
			ip = gw.Next()
		}
		if !taken[ip] {
			p.Last = ip
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("subnet %s has no free address: %w", subnet, store.ErrInUse)
}

// gateway is the subnet's first address, the bridge's own.
func gateway(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }

func lastAddr(subnet netip.Prefix) netip.Addr {
	a := subnet.Masked().Addr().As4()
	n := binary.BigEndian.Uint32(a[:]) | uint32(1)<<(32-subnet.Bits()) - 1
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// hosts is how many containers fit: all but network, gateway and broadcast.
func hosts(subnet netip.Prefix) int { return 1<<(32-subnet.Bits()) - 3 }
