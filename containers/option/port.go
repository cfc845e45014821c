package option

import (
	"net/netip"
	"strconv"
	"strings"

	"gantry/containers"
)

// maxPorts bounds what one container may publish: every port is a rule and a
// listener.
const maxPorts = 1024

// ParsePorts reads -p values: [ip:][host[-end]:]container[-end][/tcp|udp]. A
// host port that is left out or 0 is chosen when the container starts.
func ParsePorts(specs []string) ([]containers.PortMapping, error) {
	var all []containers.PortMapping
	taken := map[containers.PortMapping]bool{}
	for _, spec := range specs {
		ports, err := parsePort(spec)
		if err != nil {
			return nil, err
		}
		if len(all)+len(ports) > maxPorts {
			return nil, bad(`invalid port "%s": more than %d ports: use --network host`, spec, maxPorts)
		}
		for _, p := range ports {
			key := containers.PortMapping{HostIP: p.HostIP, HostPort: p.HostPort, Proto: p.Proto}
			if p.HostPort != 0 && taken[key] {
				return nil, bad(`invalid port "%s": host port %d/%s is published twice`, spec, p.HostPort, p.Proto)
			}
			taken[key] = true
		}
		all = append(all, ports...)
	}
	return all, nil
}

func parsePort(spec string) ([]containers.PortMapping, error) {
	rest, proto, given := strings.Cut(spec, "/")
	proto = strings.ToLower(proto)
	if !given {
		proto = "tcp"
	}
	if proto != "tcp" && proto != "udp" {
		return nil, bad(`invalid port "%s": invalid proto: %s (use tcp or udp)`, spec, proto)
	}
	ip, host, container, err := splitPort(spec, rest)
	if err != nil {
		return nil, err
	}
	first, last, err := portRange(spec, container, 1)
	if err != nil {
		return nil, err
	}
	hostFirst, hostLast := 0, 0
	if host != "" {
		if hostFirst, hostLast, err = portRange(spec, host, 0); err != nil {
			return nil, err
		}
		if hostLast-hostFirst != last-first && (hostFirst != 0 || hostLast != 0) {
			return nil, bad(`invalid port "%s": ranges have different lengths: %d vs %d`,
				spec, hostLast-hostFirst+1, last-first+1)
		}
	}
	return expand(ip, proto, hostFirst, first, last, spec)
}

func expand(ip, proto string, host, first, last int, spec string) ([]containers.PortMapping, error) {
	if n := last - first + 1; n > maxPorts {
		return nil, bad(`invalid port "%s": %d ports are more than %d: use --network host`, spec, n, maxPorts)
	}
	ports := make([]containers.PortMapping, 0, last-first+1)
	for i := first; i <= last; i++ {
		p := containers.PortMapping{HostIP: ip, ContainerPort: uint16(i), Proto: proto}
		if host != 0 {
			p.HostPort = uint16(host + i - first)
		}
		ports = append(ports, p)
	}
	return ports, nil
}

// splitPort takes [ip:][host:]container apart and checks the address.
func splitPort(spec, s string) (ip, host, container string, err error) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return "", "", s, nil
	}
	s, container = s[:colon], s[colon+1:]
	colon = strings.LastIndexByte(s, ':')
	if colon < 0 || strings.HasSuffix(s, "]") {
		return "", s, container, nil
	}
	ip, host = s[:colon], s[colon+1:]
	if strings.HasPrefix(ip, "[") && strings.HasSuffix(ip, "]") {
		ip = ip[1 : len(ip)-1]
	}
	if ip == "" {
		return "", host, container, nil
	}
	addr, perr := netip.ParseAddr(ip)
	if perr != nil {
		example := "127.0.0.1:" + host + ":" + container
		return "", "", "", bad(`invalid port "%s": invalid IP address: %s: use an IP: %s`, spec, ip, example)
	}
	return addr.String(), host, container, nil
}

func portRange(spec, s string, least int) (first, last int, err error) {
	from, to, ranged := strings.Cut(s, "-")
	if first, err = portNumber(spec, from, least); err != nil {
		return 0, 0, err
	}
	if !ranged {
		return first, first, nil
	}
	if last, err = portNumber(spec, to, 1); err != nil {
		return 0, 0, err
	}
	if first == 0 || last < first {
		return 0, 0, bad(`invalid port "%s": the range %s runs backwards`, spec, s)
	}
	return first, last, nil
}

func portNumber(spec, s string, least int) (int, error) {
	n, err := strconv.Atoi(s)
	if !digits(s) || err != nil || n < least || n > 65535 {
		if digits(s) {
			return 0, bad(`invalid port "%s": port numbers must be between 1 and 65535 (inclusive), got %s`, spec, s)
		}
		return 0, bad(`invalid port "%s": port numbers must be between 1 and 65535 (inclusive), got "%s"`, spec, s)
	}
	return n, nil
}
