package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"

	"gantry/internal/atomicfile"
	"gantry/store"
)

// record is networks/<bridge>.json: what a network keeps across reboots.
type record struct {
	Bridge string       `json:"bridge"`
	Subnet netip.Prefix `json:"subnet"`
}

// subnet returns the network's subnet: the configured one, else the one
// remembered, else a free one, which is remembered from then on. The caller
// holds the "ipam" lock.
func (m *Manager) subnet(p *pool) (netip.Prefix, error) {
	rec, err := m.record()
	if err != nil {
		return netip.Prefix{}, err
	}
	want := rec.Subnet
	switch {
	case m.cfg.Subnet != "":
		if want, err = parseSubnet(m.cfg.Subnet); err != nil {
			return want, err
		}
	case !want.IsValid():
		if want, err = freeSubnet(m.cfg.Bridge); err != nil {
			return want, err
		}
	}
	if want == rec.Subnet {
		return want, nil
	}
	if rec.Subnet.IsValid() && len(p.Leases) > 0 {
		return want, fmt.Errorf("moving network %s from %s to %s while it has %d containers: %w",
			m.cfg.Bridge, rec.Subnet, want, len(p.Leases), store.ErrInUse)
	}
	if err := os.MkdirAll(m.store.Path("networks"), 0o700); err != nil {
		return want, err
	}
	rec = record{m.cfg.Bridge, want}
	return want, atomicfile.WriteJSON(m.recordPath(), rec, 0o600, atomicfile.PowerCut)
}

func (m *Manager) recordPath() string { return m.store.Path("networks", m.cfg.Bridge+".json") }

func (m *Manager) record() (record, error) {
	var rec record
	data, err := os.ReadFile(m.recordPath())
	if errors.Is(err, fs.ErrNotExist) {
		return rec, nil
	}
	if err != nil {
		return rec, err
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return rec, fmt.Errorf("%s: %w: %w", m.recordPath(), store.ErrDamaged, err)
	}
	return rec, nil
}

func parseSubnet(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() || p.Bits() < 8 || p.Bits() > 29 {
		return p, fmt.Errorf("subnet %q: an IPv4 subnet from /8 to /29, such as 10.87.0.0/16: %w", s, store.ErrInvalid)
	}
	return p.Masked(), nil
}

// freeSubnet finds a subnet no route of the host overlaps, other than routes
// through the bridge itself.
func freeSubnet(bridge string) (netip.Prefix, error) {
	used, err := routedPrefixes(bridge)
	if err != nil {
		return netip.Prefix{}, err
	}
	for second := 87; second < 256; second++ {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(second), 0, 0}), 16)
		if !overlaps(p, used) {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("every subnet from 10.87.0.0/16 to 10.255.0.0/16 overlaps a route of the host: set a subnet in the configuration: %w", store.ErrInUse)
}

func overlaps(p netip.Prefix, used []netip.Prefix) bool {
	for _, u := range used {
		if u.Overlaps(p) {
			return true
		}
	}
	return false
}

func routedPrefixes(bridge string) ([]netip.Prefix, error) {
	own := -1
	if link, err := netlink.LinkByName(bridge); err == nil {
		own = link.Attrs().Index
	}
	routes, err := dump(func() ([]netlink.Route, error) { return netlink.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing routes: %w", err)
	}
	var used []netip.Prefix
	for _, r := range routes {
		if r.Dst == nil || r.LinkIndex == own {
			continue
		}
		bits, _ := r.Dst.Mask.Size()
		if a, ok := netip.AddrFromSlice(r.Dst.IP); ok && bits > 0 {
			used = append(used, netip.PrefixFrom(a.Unmap(), bits))
		}
	}
	return used, nil
}
