package headless

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) port() *cobra.Command {
	return &cobra.Command{
		Use:   "port CONTAINER [PRIVATE_PORT[/PROTO]]",
		Short: "List a container's published ports",
		Args:  between(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			c, err := e.Container(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				return a.onePort(c, args[0], args[1])
			}
			for _, p := range publishedPorts(c) {
				fmt.Fprintf(a.Out, "%d/%s -> %s\n", p.ContainerPort, p.Proto, hostAddress(p))
			}
			return nil
		},
	}
}

func (a *app) onePort(c engine.Container, name, want string) error {
	number, proto, given := strings.Cut(want, "/")
	if !given {
		proto = "tcp"
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("invalid port %q: port numbers must be between 1 and 65535 (inclusive)", want)
	}
	found := false
	for _, p := range publishedPorts(c) {
		if p.ContainerPort == uint16(n) && p.Proto == proto {
			found = true
			fmt.Fprintln(a.Out, hostAddress(p))
		}
	}
	if !found {
		return fmt.Errorf("no public port '%d/%s' published for %s", n, proto, name)
	}
	return nil
}

// publishedPorts are the mappings in force, lowest container port first.
func publishedPorts(c engine.Container) []engine.PortMapping {
	if c.State.Status != engine.Running && c.State.Status != engine.Paused {
		return nil
	}
	ports := slices.Clone(c.State.Ports)
	slices.SortStableFunc(ports, func(x, y engine.PortMapping) int {
		if x.ContainerPort != y.ContainerPort {
			return int(x.ContainerPort) - int(y.ContainerPort)
		}
		return strings.Compare(x.Proto+x.HostIP, y.Proto+y.HostIP)
	})
	return ports
}

func hostIP(p engine.PortMapping) string {
	if p.HostIP == "" {
		return "0.0.0.0"
	}
	return p.HostIP
}

func hostAddress(p engine.PortMapping) string {
	return net.JoinHostPort(hostIP(p), strconv.Itoa(int(p.HostPort)))
}

// portsColumn shows ports as Docker does: ports that follow one another and
// keep their number on the host are one range.
func portsColumn(c engine.Container) string {
	var ranges, moved []string
	type run struct{ first, last uint16 }
	open := map[string]*run{} // by address and protocol
	var order []string
	flush := func(key string, r run) {
		ip, proto, _ := strings.Cut(key, "|")
		text := strconv.Itoa(int(r.first))
		if r.first != r.last {
			text += "-" + strconv.Itoa(int(r.last))
		}
		if ip != "" {
			text = net.JoinHostPort(ip, text) + "->" + text
		}
		ranges = append(ranges, text+"/"+proto)
	}
	for _, p := range append(publishedPorts(c), exposedPorts(c)...) {
		key := "|" + p.Proto
		if p.HostPort != 0 {
			if p.HostPort != p.ContainerPort {
				moved = append(moved, fmt.Sprintf("%s->%d/%s", hostAddress(p), p.ContainerPort, p.Proto))
				continue
			}
			key = hostIP(p) + key
		}
		switch r := open[key]; {
		case r == nil:
			open[key] = &run{p.ContainerPort, p.ContainerPort}
			order = append(order, key)
		case p.ContainerPort == r.last+1:
			r.last = p.ContainerPort
		default:
			flush(key, *r)
			*r = run{p.ContainerPort, p.ContainerPort}
		}
	}
	for _, key := range order {
		flush(key, *open[key])
	}
	return strings.Join(append(ranges, moved...), ", ")
}

// exposedPorts are a running container's ports that nothing publishes.
func exposedPorts(c engine.Container) []engine.PortMapping {
	if c.State.Status != engine.Running && c.State.Status != engine.Paused {
		return nil
	}
	var ports []engine.PortMapping
	for _, e := range c.Config.ExposedPorts {
		number, proto, given := strings.Cut(e, "/")
		if !given {
			proto = "tcp"
		}
		n, err := strconv.ParseUint(number, 10, 16)
		published := slices.ContainsFunc(c.State.Ports, func(p engine.PortMapping) bool {
			return p.ContainerPort == uint16(n) && p.Proto == proto
		})
		if err == nil && !published {
			ports = append(ports, engine.PortMapping{ContainerPort: uint16(n), Proto: proto})
		}
	}
	slices.SortFunc(ports, func(x, y engine.PortMapping) int { return int(x.ContainerPort) - int(y.ContainerPort) })
	return ports
}
