package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Sweep removes what containers that are not alive have left: leases, rules
// and veths no lease knows. Deleting a veth takes the kernel tens of
// milliseconds, so run it off the user's path.
func (m *Manager) Sweep(ctx context.Context, alive func(containerID string) bool) error {
	if err := m.detach(ctx, func(id string) bool { return !alive(id) }); err != nil {
		return err
	}
	var found []netlink.Link
	err := m.locked(ctx, func(l *ledger) (err error) {
		found, err = m.strays(l.Leases)
		return err
	})
	if err != nil {
		return err
	}
	return deleteLinks(found)
}

// Remove takes the whole network away: bridge, veths, tables, leases and the
// remembered subnet. Containers still attached lose their connection.
func (m *Manager) Remove(ctx context.Context) error {
	return m.locked(ctx, func(l *ledger) error {
		found, err := m.strays(nil)
		if err != nil {
			return err
		}
		bridge, err := netlink.LinkByName(m.cfg.Bridge)
		var missing netlink.LinkNotFoundError
		if err != nil && !errors.As(err, &missing) {
			return fmt.Errorf("looking up bridge %s: %w", m.cfg.Bridge, err)
		}
		if err == nil && bridge.Type() == "bridge" {
			found = append(found, bridge)
		}
		if err := deleteLinks(found); err != nil {
			return err
		}
		if err := m.dropRules(); err != nil {
			return err
		}
		delete(l.pools, m.cfg.Bridge)
		return ignore(os.Remove(m.recordPath()), fs.ErrNotExist)
	})
}

func (m *Manager) dropRules() error {
	c, err := nftConn()
	if err != nil {
		return err
	}
	defer func() { _ = c.CloseLasting() }()
	r := m.ruleset(netip.Prefix{})
	if err := m.closeForeign(c); err != nil {
		return err
	}
	r.drop(c, true)
	if err := c.Flush(); err == nil {
		return nil
	}
	r.drop(c, false) // a kernel without bridge tables
	if err := c.Flush(); err != nil {
		return fmt.Errorf("removing nftables table %s: %w", m.table(), err)
	}
	return nil
}

func deleteLinks(links []netlink.Link) error {
	var errs []error
	for _, l := range links {
		if err := ignore(netlink.LinkDel(l), unix.ENODEV); err != nil {
			errs = append(errs, fmt.Errorf("deleting %s: %w", l.Attrs().Name, err))
		}
	}
	return errors.Join(errs...)
}
