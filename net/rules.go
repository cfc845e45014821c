package network

import (
	"bytes"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// ruleset describes what the kernel should hold for one network:
//
//	table ip gantry
//	  prerouting   to one of our own addresses → published
//	  output       likewise, 127.0.0.0/8 excepted (the forwarder serves it)
//	  published    one DNAT rule per port published beyond loopback
//	  postrouting  masquerade what leaves the bridge, and hairpin traffic
//	  forward      into the bridge: replies and published ports, nothing else
//	table bridge gantry
//	  senders      interface . MAC . IP, one element per container
//	  prerouting   from our ports: only IPv4 and ARP with a sender listed
//
// Every rule and element that belongs to a container carries its ID as the
// comment, which nft list ruleset shows.
type ruleset struct {
	ip, guard *nftables.Table
	published *nftables.Chain
	senders   *nftables.Set
	bridge    string
	prefix    string
	subnet    netip.Prefix
}

func (m *Manager) ruleset(subnet netip.Prefix) *ruleset {
	ip := &nftables.Table{Name: m.table(), Family: nftables.TableFamilyIPv4}
	guard := &nftables.Table{Name: m.table(), Family: nftables.TableFamilyBridge}
	return &ruleset{
		ip:        ip,
		guard:     guard,
		published: &nftables.Chain{Name: "published", Table: ip},
		senders: &nftables.Set{
			Table: guard, Name: "senders", Concatenation: true,
			KeyType: nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIPAddr),
		},
		bridge: m.cfg.Bridge,
		prefix: m.vethPrefix(),
		subnet: subnet,
	}
}

// drop removes both tables, whether or not they are there.
func (r *ruleset) drop(c *nftables.Conn, guard bool) {
	c.AddTable(r.ip)
	c.DelTable(r.ip)
	if guard {
		c.AddTable(r.guard)
		c.DelTable(r.guard)
	}
}

// write replaces everything by what the leases call for.
func (r *ruleset) write(c *nftables.Conn, leases map[string]lease, guard bool) error {
	r.drop(c, guard)
	c.AddTable(r.ip)
	r.writeNAT(c)
	r.writeForward(c)
	if guard {
		if err := r.writeGuard(c); err != nil {
			return err
		}
	}
	for id, l := range leases {
		if err := r.add(c, id, l, guard); err != nil {
			return err
		}
	}
	return nil
}

// add writes what belongs to one container.
func (r *ruleset) add(c *nftables.Conn, id string, l lease, guard bool) error {
	for _, p := range l.Ports {
		if host := p.addr(); dnats(host) {
			c.AddRule(&nftables.Rule{Table: r.ip, Chain: r.published, UserData: tag(id), Exprs: dnat(host, p, l.IP)})
		}
	}
	if !guard {
		return nil
	}
	return c.SetAddElements(r.senders, []nftables.SetElement{sender(id, l)})
}

// remove takes out what belongs to one container.
func (r *ruleset) remove(c *nftables.Conn, id string, l lease, guard bool) error {
	if l.needsDNAT() {
		rules, err := c.GetRules(r.ip, r.published)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			if bytes.Equal(rule.UserData, tag(id)) {
				if err := c.DelRule(rule); err != nil {
					return err
				}
			}
		}
	}
	if !guard {
		return nil
	}
	return c.SetDeleteElements(r.senders, []nftables.SetElement{sender(id, l)})
}

func tag(id string) []byte { return userdata.AppendString(nil, userdata.TypeComment, id) }

func sender(id string, l lease) nftables.SetElement {
	key := make([]byte, 0, 28)
	key = append(key, ifname(l.Veth)...)
	key = append(key, l.MAC()...)
	key = append(key, 0, 0) // each part of a key is padded to 4 bytes
	key = append(key, l.IP.AsSlice()...)
	return nftables.SetElement{Key: key, Comment: id}
}

func (l lease) needsDNAT() bool {
	for _, p := range l.Ports {
		if dnats(p.addr()) {
			return true
		}
	}
	return false
}

// dnats says whether packets to host can be redirected in the kernel. Loopback
// addresses and IPv6 are served by the forwarder instead.
func dnats(host netip.Addr) bool { return host.Is4() && !host.IsLoopback() }

func dnat(host netip.Addr, p Port, to netip.Addr) []expr.Any {
	var exprs []expr.Any
	if !host.IsUnspecified() {
		exprs = append(exprs, destination(host)...)
	}
	proto := byte(unix.IPPROTO_TCP)
	if p.Proto == "udp" {
		proto = unix.IPPROTO_UDP
	}
	return append(exprs,
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		eq(proto),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		eq(binaryutil.BigEndian.PutUint16(p.HostPort)...),
		&expr.Immediate{Register: 1, Data: to.AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(p.ContainerPort)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
	)
}

func (r *ruleset) writeNAT(c *nftables.Conn) {
	base := func(name string, hook *nftables.ChainHook, prio *nftables.ChainPriority) *nftables.Chain {
		return c.AddChain(&nftables.Chain{Name: name, Table: r.ip, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: prio})
	}
	rule := func(ch *nftables.Chain, parts ...[]expr.Any) {
		c.AddRule(&nftables.Rule{Table: r.ip, Chain: ch, Exprs: join(parts...)})
	}
	c.AddChain(r.published)
	pre := base("prerouting", nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest)
	out := base("output", nftables.ChainHookOutput, nftables.ChainPriorityNATDest)
	post := base("postrouting", nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	jump := verdict(expr.VerdictJump, r.published.Name)
	rule(pre, toLocal(), jump)
	rule(out, toNet(netip.MustParsePrefix("127.0.0.0/8"), expr.CmpOpNeq), toLocal(), jump)
	rule(post, fromNet(r.subnet, expr.CmpOpEq), oif(expr.CmpOpNeq, r.bridge), masquerade())
	// A container that reaches a sibling, or itself, by a published port: the
	// answer must come back through us.
	rule(post, fromNet(r.subnet, expr.CmpOpEq), oif(expr.CmpOpEq, r.bridge), status(ctDNAT), masquerade())
}

func (r *ruleset) writeForward(c *nftables.Conn) {
	fwd := c.AddChain(&nftables.Chain{Name: "forward", Table: r.ip, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter})
	rule := func(parts ...[]expr.Any) {
		c.AddRule(&nftables.Rule{Table: r.ip, Chain: fwd, Exprs: join(parts...)})
	}
	accept := verdict(expr.VerdictAccept, "")
	rule(iif(expr.CmpOpEq, r.bridge), accept)
	rule(oif(expr.CmpOpNeq, r.bridge), accept)
	rule(state(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), accept)
	rule(status(ctDNAT), accept)
	rule(verdict(expr.VerdictDrop, ""))
}

// writeGuard keeps containers from sending under another's address.
func (r *ruleset) writeGuard(c *nftables.Conn) error {
	c.AddTable(r.guard)
	if err := c.AddSet(r.senders, nil); err != nil {
		return err
	}
	pre := c.AddChain(&nftables.Chain{Name: "prerouting", Table: r.guard, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRef(-300)})
	rule := func(parts ...[]expr.Any) {
		c.AddRule(&nftables.Rule{Table: r.guard, Chain: pre, Exprs: join(parts...)})
	}
	port := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		eq([]byte(r.prefix)...),
	}
	accept := verdict(expr.VerdictAccept, "")
	rule(port, etherType(unix.ETH_P_IP), r.listed(
		&expr.Payload{DestRegister: regMAC, Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6},
		&expr.Payload{DestRegister: regIP, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
	), accept)
	rule(port, etherType(unix.ETH_P_ARP), r.listed(
		&expr.Payload{DestRegister: regMAC, Base: expr.PayloadBaseNetworkHeader, Offset: 8, Len: 6},
		&expr.Payload{DestRegister: regIP, Base: expr.PayloadBaseNetworkHeader, Offset: 14, Len: 4},
	), accept)
	rule(port, verdict(expr.VerdictDrop, ""))
	return nil
}

// listed matches packets whose interface, MAC and IP, loaded by the given
// expressions, stand in the senders set.
func (r *ruleset) listed(mac, ip expr.Any) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: regName},
		mac, ip,
		&expr.Lookup{SourceRegister: regName, SetName: r.senders.Name, SetID: r.senders.ID},
	}
}
