package network

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// DNS is what a container's resolv.conf says.
type DNS struct {
	Servers []netip.Addr
	Search  []string
	Options []string
	Notice  string // "" or what a person should know
}

const (
	hostResolvConf     = "/etc/resolv.conf"
	upstreamResolvConf = "/run/systemd/resolve/resolv.conf" // what systemd-resolved forwards to
)

// HostResolvers reads the host's resolver configuration for containers.
func HostResolvers() DNS {
	data, err := os.ReadFile(hostResolvConf)
	d := Resolvers(data)
	if len(d.Servers) > 0 {
		return d
	}
	if upstream, err := os.ReadFile(upstreamResolvConf); err == nil {
		if up := Resolvers(upstream); len(up.Servers) > 0 {
			return up
		}
	}
	if err != nil {
		d.Notice = "no name servers for containers: " + err.Error()
	}
	return d
}

// Resolvers takes from a resolv.conf what holds in a container too: servers on
// loopback addresses are left out, since they listen on the host's loopback.
func Resolvers(resolvConf []byte) DNS {
	var d DNS
	seen := map[netip.Addr]bool{}
	lines := bufio.NewScanner(bytes.NewReader(resolvConf))
	for lines.Scan() {
		line := lines.Text()
		if i := strings.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			// A server on a link-local address names a link of the host.
			a, err := netip.ParseAddr(words[1])
			if err == nil && !a.IsLoopback() && a.Zone() == "" && !seen[a] {
				seen[a] = true
				d.Servers = append(d.Servers, a)
			}
		case "search", "domain":
			d.Search = words[1:]
		case "options":
			d.Options = append(d.Options, words[1:]...)
		}
	}
	if len(d.Servers) == 0 {
		d.Notice = "no name servers for containers: the host's resolv.conf names none that a container can reach"
	}
	return d
}

// File is the resolv.conf of a container.
func (d DNS) File() []byte {
	var b bytes.Buffer
	for _, s := range d.Servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(d.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(d.Search, " "))
	}
	if len(d.Options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(d.Options, " "))
	}
	return b.Bytes()
}

// HostsFile is the /etc/hosts of a container. An invalid ip leaves its own
// line out.
func HostsFile(hostname string, ip netip.Addr) []byte {
	var b bytes.Buffer
	b.WriteString("127.0.0.1\tlocalhost\n" +
		"::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::\tip6-localnet\n" +
		"ff00::\tip6-mcastprefix\n" +
		"ff02::1\tip6-allnodes\n" +
		"ff02::2\tip6-allrouters\n")
	if ip.IsValid() && hostname != "" {
		fmt.Fprintf(&b, "%s\t%s\n", ip, hostname)
	}
	return b.Bytes()
}
