package network

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/store"
)

func TestResolvers(t *testing.T) {
	tests := []struct{ name, in, want, notice string }{
		{"plain", "nameserver 10.0.0.1\nsearch a.example b.example\noptions ndots:2 edns0\n",
			"nameserver 10.0.0.1\nsearch a.example b.example\noptions ndots:2 edns0\n", ""},
		{"loopback left out", "nameserver 127.0.0.53\nnameserver ::1\nnameserver 9.9.9.9 # quad\n", "nameserver 9.9.9.9\n", ""},
		{"link-local left out", "nameserver fe80::1%eth0\nnameserver 2001:db8::1\n", "nameserver 2001:db8::1\n", ""},
		{"last search wins", "search a\ndomain b\nnameserver 1.1.1.1\nnameserver 1.1.1.1\n", "nameserver 1.1.1.1\nsearch b\n", ""},
		{"none", "; nothing\n", "", "no name servers for containers: the host's resolv.conf names none that a container can reach"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Resolvers([]byte(tt.in))
			if diff := cmp.Diff(tt.want, string(d.File())); diff != "" {
				t.Error(diff)
			}
			if d.Notice != tt.notice {
				t.Errorf("Notice = %q, want %q", d.Notice, tt.notice)
			}
		})
	}
}

func TestHostsFile(t *testing.T) {
	with := string(HostsFile("web", netip.MustParseAddr("10.87.0.2")))
	without := string(HostsFile("web", netip.Addr{}))
	if with != without+"10.87.0.2\tweb\n" {
		t.Errorf("HostsFile = %q, want %q and the container's line", with, without)
	}
}

func TestAddressesGoRoundAndRunOut(t *testing.T) {
	subnet := netip.MustParsePrefix("10.1.2.0/29")
	p := &pool{Leases: map[string]lease{}}
	var got []string
	for i := range hosts(subnet) {
		ip, err := p.next(subnet)
		must(t, err)
		p.Leases[fmt.Sprint(i)] = lease{IP: ip}
		got = append(got, ip.String())
	}
	if diff := cmp.Diff([]string{"10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.6"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := p.next(subnet); !errors.Is(err, store.ErrInUse) {
		t.Errorf("next in a full subnet = %v, want ErrInUse", err)
	}
	delete(p.Leases, "1")
	if ip, err := p.next(subnet); err != nil || ip.String() != "10.1.2.3" {
		t.Errorf("next = %v, %v, want the freed 10.1.2.3", ip, err)
	}
}

func TestBadInput(t *testing.T) {
	ok := Spec{ContainerID: "a", Pid: 1}
	with := func(p Port) Spec { s := ok; s.Ports = []Port{p}; return s }
	tests := []struct {
		name string
		cfg  Config
		spec Spec
		want error
	}{
		{"bridge name", Config{Bridge: "a/b"}, ok, store.ErrInvalid},
		{"bind address", Config{DefaultBindIP: "localhost"}, ok, store.ErrInvalid},
		{"no id", Config{}, Spec{Pid: 1}, store.ErrInvalid},
		{"no namespace", Config{}, Spec{ContainerID: "a"}, store.ErrInvalid},
		{"unknown network", Config{}, Spec{ContainerID: "a", Pid: 1, Network: "front"}, store.ErrNotFound},
		{"protocol", Config{}, with(Port{ContainerPort: 1, Proto: "sctp"}), store.ErrInvalid},
		{"port 0", Config{}, with(Port{Proto: "tcp"}), store.ErrInvalid},
		{"host address", Config{}, with(Port{HostIP: "1.2.3", ContainerPort: 1, Proto: "tcp"}), store.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := New(dirs{}, tt.cfg).check(tt.spec); !errors.Is(err, tt.want) {
				t.Errorf("check = %v, want %v", err, tt.want)
			}
		})
	}
	for _, s := range []string{"10.0.0.0", "10.0.0.0/30", "fd00::/64", "x"} {
		if _, err := parseSubnet(s); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("parseSubnet(%q) = %v, want ErrInvalid", s, err)
		}
	}
}
