package network

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"gantry/internal/cleanup"
)

// Attach gives the container an address and a way out, and reserves its
// published ports. It repairs the bridge and the rules when somebody removed
// them. The ports' sockets are held by the returned Endpoint until Forward
// takes them; on error nothing is left behind.
func (m *Manager) Attach(ctx context.Context, spec Spec) (_ Endpoint, err error) {
	if err := m.check(spec); err != nil {
		return Endpoint{}, err
	}
	ns, err := openNS(spec)
	if err != nil {
		return Endpoint{}, err
	}
	defer ns.Close()
	var undo cleanup.Stack
	defer undo.Run()
	held, err := m.reserve(ctx, spec)
	if err != nil {
		return Endpoint{}, err
	}
	undo.Add(held.close)

	ep := Endpoint{ContainerID: spec.ContainerID, Ports: held.ports, held: held}
	at, err := m.admit(ctx, &ep)
	if err != nil {
		return Endpoint{}, err
	}
	undo.Add(func() { _ = m.Detach(context.WithoutCancel(ctx), spec.ContainerID) })
	if err := plug(ns, at.bridge, at.lease, at.subnet); err != nil {
		return Endpoint{}, err
	}
	undo.Keep()
	return ep, nil
}

// place is where a container was admitted.
type place struct {
	bridge netlink.Link
	subnet netip.Prefix
	lease  lease
}

// admit leases an address and writes the rules, under the "ipam" lock.
func (m *Manager) admit(ctx context.Context, ep *Endpoint) (at place, err error) {
	err = m.locked(ctx, func(l *ledger) error {
		if at.subnet, err = m.subnet(l.pool); err != nil {
			return err
		}
		if at.bridge, err = m.bridge(at.subnet, l.Leases); err != nil {
			return err
		}
		notice, err := forwarding()
		if err != nil {
			return err
		}
		if notice != "" {
			ep.Notices = append(ep.Notices, notice)
		}
		former, restarted := l.Leases[ep.ContainerID]
		if at.lease, err = m.lease(l.pool, at.subnet, ep); err != nil {
			return err
		}
		rules := m.ruleset(at.subnet)
		notices, err := m.apply(l, rules, func(c *nftables.Conn) error {
			if restarted {
				if err := rules.remove(c, ep.ContainerID, former, l.Guard); err != nil {
					return err
				}
			}
			return rules.add(c, ep.ContainerID, at.lease, l.Guard)
		})
		ep.Notices = append(ep.Notices, notices...)
		return err
	})
	if err == nil {
		forgetFlows(at.lease)
	}
	return at, err
}

// lease takes an address for the endpoint and fills it in.
func (m *Manager) lease(p *pool, subnet netip.Prefix, ep *Endpoint) (lease, error) {
	ip, err := p.next(subnet)
	if err != nil {
		return lease{}, err
	}
	var nonce [4]byte
	_, _ = rand.Read(nonce[:])
	l := lease{IP: ip, Veth: m.vethPrefix() + hex.EncodeToString(nonce[:]), Ports: ep.Ports}
	p.Leases[ep.ContainerID] = l
	ep.IPAddress = netip.PrefixFrom(ip, subnet.Bits())
	ep.Gateway = gateway(subnet)
	ep.MAC = l.MAC().String()
	ep.HostVeth = l.Veth
	return l, nil
}

// Detach frees the container's address and removes its rules. It is
// idempotent and does not wait for the veth, which dies with the namespace.
func (m *Manager) Detach(ctx context.Context, containerID string) error {
	return m.detach(ctx, func(id string) bool { return id == containerID })
}

func (m *Manager) detach(ctx context.Context, gone func(id string) bool) error {
	var former []lease
	err := m.locked(ctx, func(l *ledger) error {
		removed := map[string]lease{}
		for id, le := range l.Leases {
			if gone(id) {
				removed[id] = le
				former = append(former, le)
				delete(l.Leases, id)
			}
		}
		if len(removed) == 0 {
			return nil
		}
		subnet, err := m.subnet(l.pool)
		if err != nil {
			return err
		}
		rules := m.ruleset(subnet)
		_, err = m.apply(l, rules, func(c *nftables.Conn) error {
			for id, le := range removed {
				if err := rules.remove(c, id, le, l.Guard); err != nil {
					return fmt.Errorf("removing the rules of %s: %w", short(id), err)
				}
			}
			return nil
		})
		return err
	})
	for _, le := range former {
		forgetFlows(le)
	}
	return err
}
