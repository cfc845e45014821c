package network

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	vishnl "github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	nftGetGeneration = 16 // NFT_MSG_GETGEN
	nftGenerationID  = 1  // NFTA_GEN_ID
)

// generation is the number of changes the kernel's ruleset of this namespace
// has seen, by anyone.
func generation() (uint32, error) {
	req := vishnl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|nftGetGeneration, 0)
	req.AddData(&vishnl.Nfgenmsg{Version: vishnl.NFNETLINK_V0})
	msgs, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return 0, fmt.Errorf("reading the generation of the nftables ruleset: %w", err)
	}
	for _, m := range msgs {
		attrs, err := vishnl.ParseRouteAttr(m[vishnl.SizeofNfgenmsg:])
		if err != nil {
			return 0, err
		}
		for _, a := range attrs {
			if a.Attr.Type == nftGenerationID && len(a.Value) >= 4 {
				return binary.BigEndian.Uint32(a.Value), nil
			}
		}
	}
	return 0, errors.New("the kernel did not report the generation of the nftables ruleset")
}

func nftConn() (*nftables.Conn, error) {
	// Every message of a batch is acknowledged before we read the first.
	roomy := func(c *netlink.Conn) error { return c.SetReadBuffer(4 << 20) }
	c, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(roomy))
	if err != nil {
		return nil, fmt.Errorf("opening nftables: %w", err)
	}
	return c, nil
}

// apply changes the kernel's rules from what they were after our last change:
// by delta when nobody touched the ruleset since, else by writing everything
// the leases in l call for. Either is one atomic batch. The caller has already
// changed l and holds the "ipam" lock. It returns notices of a full write.
func (m *Manager) apply(l *ledger, r *ruleset, delta func(*nftables.Conn) error) ([]string, error) {
	before, err := generation()
	if err != nil {
		return nil, err
	}
	c, err := nftConn()
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.CloseLasting() }()
	if l.Gen != 0 && l.Gen == before && sent(c, delta) == nil {
		return nil, l.committed(before)
	}
	notices, err := m.rewrite(c, l, r)
	if err != nil {
		return nil, err
	}
	more, err := m.openForeign(c)
	if err != nil {
		return nil, err
	}
	// The foreign chains may have taken a commit of their own, so the
	// generation is read rather than computed. Whoever changed rules in
	// between costs the next Attach one rewrite at most if they are noticed,
	// and our own tables are ours.
	l.Gen, err = generation()
	return append(notices, more...), err
}

// sent sends a delta. One that does not fit what the kernel holds changes
// nothing, and the caller writes everything anew.
func sent(c *nftables.Conn, delta func(*nftables.Conn) error) error {
	if err := delta(c); err != nil {
		return err
	}
	return c.Flush()
}

// committed notes the generation after one commit of ours, or none when
// somebody else committed meanwhile.
func (l *ledger) committed(before uint32) error {
	now, err := generation()
	if err != nil {
		return err
	}
	l.Gen = now
	if now != before+1 {
		l.Gen = 0
	}
	return nil
}

// rewrite replaces our tables. On a kernel without bridge tables containers
// run without the anti-spoof rules, and a notice says so.
func (m *Manager) rewrite(c *nftables.Conn, l *ledger, r *ruleset) ([]string, error) {
	l.Guard = true
	err := r.write(c, l.Leases, true)
	if err == nil {
		err = c.Flush()
	}
	if err == nil {
		return nil, nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("writing nftables table %s: %w", m.table(), err)
	}
	l.Guard = false
	if err := r.write(c, l.Leases, false); err != nil {
		return nil, err
	}
	if err := c.Flush(); err != nil {
		return nil, fmt.Errorf("writing nftables table %s: %w", m.table(), err)
	}
	return []string{"the kernel has no nftables bridge tables: containers are not kept from forging each other's addresses"}, nil
}
