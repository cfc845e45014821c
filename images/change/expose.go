package change

import (
	"fmt"
	"strconv"
	"strings"
)

// maxExposed bounds a range of ports.
const maxExposed = 1024

// expose adds ports: 80, 80/udp, 8000-8010/tcp.
func (e *editor) expose(specs []string) error {
	for _, spec := range specs {
		word, err := e.expand(spec)
		if err != nil {
			return err
		}
		for one := range strings.FieldsSeq(word) {
			if err := e.exposeOne(one); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *editor) exposeOne(spec string) error {
	ports, proto, given := strings.Cut(spec, "/")
	if !given {
		proto = "tcp"
	}
	proto = strings.ToLower(proto)
	if proto != "tcp" && proto != "udp" && proto != "sctp" {
		return fmt.Errorf("invalid proto: %s", proto)
	}
	first, last, ranged := strings.Cut(ports, "-")
	from, err := port(first)
	if err != nil {
		return err
	}
	to := from
	if ranged {
		if to, err = port(last); err != nil {
			return err
		}
	}
	if to < from || to-from >= maxExposed {
		return fmt.Errorf("invalid range of ports: %s", ports)
	}
	for n := from; n <= to; n++ {
		set(&e.cfg.ExposedPorts, strconv.Itoa(n)+"/"+proto, struct{}{})
	}
	return nil
}

func port(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("port %q is not 1-65535", s)
	}
	return n, nil
}
