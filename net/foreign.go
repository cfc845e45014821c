package network

import (
	"bytes"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// openForeign lets the bridge's traffic through chains of others that drop
// what is forwarded: an accept in our table does not override their drop. In
// tables written by iptables it inserts accepts (our own forward chain still
// decides what may enter); of others it only tells.
func (m *Manager) openForeign(c *nftables.Conn) ([]string, error) {
	chains, err := c.ListChains()
	if err != nil {
		return nil, fmt.Errorf("listing nftables chains: %w", err)
	}
	var notices []string
	changed := false
	for _, ch := range chains {
		if !blocks(ch) || ch.Table.Name == m.table() {
			continue
		}
		if ch.Table.Name != "filter" || ch.Name != "FORWARD" || ch.Table.Family != nftables.TableFamilyIPv4 {
			notices = append(notices, fmt.Sprintf("chain %s of nftables table %s drops forwarded packets: "+
				"allow interface %s there, or containers reach only this host", ch.Name, ch.Table.Name, m.cfg.Bridge))
			continue
		}
		did, err := m.insertAccepts(c, dockerUser(chains, ch))
		if err != nil {
			return nil, err
		}
		changed = changed || did
	}
	if !changed {
		return notices, nil
	}
	if err := c.Flush(); err != nil {
		return nil, fmt.Errorf("letting %s through the FORWARD chain: %w", m.cfg.Bridge, err)
	}
	return append(notices, fmt.Sprintf("inserted accept rules for %s into the host's FORWARD rules, which drop by default", m.cfg.Bridge)), nil
}

// blocks reports whether ch drops forwarded IPv4 packets by policy.
func blocks(ch *nftables.Chain) bool {
	ipv4 := ch.Table.Family == nftables.TableFamilyIPv4 || ch.Table.Family == nftables.TableFamilyINet
	return ipv4 && ch.Type == nftables.ChainTypeFilter && ch.Hooknum != nil && *ch.Hooknum == *nftables.ChainHookForward &&
		ch.Policy != nil && *ch.Policy == nftables.ChainPolicyDrop
}

// dockerUser is the chain Docker keeps for others' rules, else fwd itself.
func dockerUser(chains []*nftables.Chain, fwd *nftables.Chain) *nftables.Chain {
	for _, ch := range chains {
		if ch.Name == "DOCKER-USER" && ch.Table.Name == fwd.Table.Name && ch.Table.Family == fwd.Table.Family {
			return ch
		}
	}
	return fwd
}

func (m *Manager) insertAccepts(c *nftables.Conn, ch *nftables.Chain) (bool, error) {
	rules, err := c.GetRules(ch.Table, ch)
	if err != nil {
		return false, fmt.Errorf("reading chain %s: %w", ch.Name, err)
	}
	for _, r := range rules {
		if bytes.Equal(r.UserData, tag(m.table())) {
			return false, nil
		}
	}
	for _, side := range [][]expr.Any{iif(expr.CmpOpEq, m.cfg.Bridge), oif(expr.CmpOpEq, m.cfg.Bridge)} {
		exprs := join(side, []expr.Any{&expr.Counter{}}, verdict(expr.VerdictAccept, ""))
		c.InsertRule(&nftables.Rule{Table: ch.Table, Chain: ch, UserData: tag(m.table()), Exprs: exprs})
	}
	return true, nil
}

// closeForeign removes what openForeign inserted.
func (m *Manager) closeForeign(c *nftables.Conn) error {
	for _, name := range []string{"FORWARD", "DOCKER-USER"} {
		table := &nftables.Table{Name: "filter", Family: nftables.TableFamilyIPv4}
		rules, err := c.GetRules(table, &nftables.Chain{Name: name, Table: table})
		if err != nil {
			continue // no such chain
		}
		for _, r := range rules {
			if bytes.Equal(r.UserData, tag(m.table())) {
				if err := c.DelRule(r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
