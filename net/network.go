// Package network joins containers to the host's network: one bridge with a
// private subnet, a veth pair per container, address leases, one nftables
// table and published ports. All that the kernel should hold is a function of
// the leases kept on disk, so whatever somebody else removed is put back by
// the next Attach. The package talks netlink only: it runs no program and
// never touches a table that is not its own, except to insert accept rules
// where an iptables FORWARD chain would drop a container's packets.
package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"gantry/internal/flock"
	"gantry/store"
)

// DefaultBridge is the bridge of the network every container joins unless told
// otherwise.
const DefaultBridge = "gantry0"

// Config says which bridge a Manager keeps. Two stores on one machine need two
// bridges.
type Config struct {
	Bridge        string // "": gantry0
	Subnet        string // "": the first free of 10.87.0.0/16, 10.88.0.0/16, …
	DefaultBindIP string // host address of ports published without one; "": 127.0.0.1
}

// files is what the package needs of a store.
type files interface {
	Path(elem ...string) string
	RunPath(elem ...string) string
	Lock(ctx context.Context, kind, key string) (*flock.Lock, error)
	BootID() string
}

// Manager keeps one bridge network. It is safe for concurrent use, also by
// several processes.
type Manager struct {
	store  files
	cfg    Config
	bindIP netip.Addr
	err    error // of the configuration, reported by every method
}

// Port publishes a container's port on the host. It converts from and to
// containers.PortMapping.
type Port struct {
	HostIP        string `json:"hostIP,omitempty"` // "": Config.DefaultBindIP
	HostPort      uint16 `json:"hostPort"`         // 0: an ephemeral one is chosen
	ContainerPort uint16 `json:"containerPort"`
	Proto         string `json:"proto"` // tcp, udp
}

// Spec says what to attach. The container's network namespace is given by its
// path or by a process in it, which must stay alive during the call.
type Spec struct {
	ContainerID string
	Pid         int
	NetNSPath   string
	Network     string // "", "bridge" or the bridge's name
	Hostname    string
	Ports       []Port
}

// Endpoint is a container's place on the network.
type Endpoint struct {
	ContainerID string       `json:"containerID"`
	IPAddress   netip.Prefix `json:"ipAddress"`
	Gateway     netip.Addr   `json:"gateway"`
	MAC         string       `json:"mac"`
	HostVeth    string       `json:"hostVeth"`
	Ports       []Port       `json:"ports,omitempty"`   // ephemeral ports and addresses resolved
	Notices     []string     `json:"notices,omitempty"` // what a person should know, one sentence each

	held *sockets // the reserved listening sockets, until Forward takes them
}

// New returns the manager of the network cfg describes. It does no I/O; a bad
// configuration is reported by the first call that needs it.
func New(s files, cfg Config) *Manager {
	if cfg.Bridge == "" {
		cfg.Bridge = DefaultBridge
	}
	if cfg.DefaultBindIP == "" {
		cfg.DefaultBindIP = "127.0.0.1"
	}
	m := &Manager{store: s, cfg: cfg}
	m.bindIP, m.err = parseHostIP(cfg.DefaultBindIP)
	if !validBridge(cfg.Bridge) {
		m.err = fmt.Errorf("bridge name %q: up to 15 letters, digits, '.', '_', '-': %w", cfg.Bridge, store.ErrInvalid)
	}
	return m
}

// Release gives up the ports Attach reserved. A caller that does not go on to
// Forward calls it; after Forward it is the closer's business.
func (e Endpoint) Release() {
	if e.held != nil {
		e.held.close()
	}
}

func validBridge(name string) bool {
	if len(name) == 0 || len(name) > 15 || name[0] == '.' || name[0] == '-' {
		return false
	}
	for _, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func parseHostIP(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address (an example: 127.0.0.1): %w", s, store.ErrInvalid)
	}
	return a.Unmap(), nil
}

// table is the name of the nftables tables of this network.
func (m *Manager) table() string {
	if m.cfg.Bridge == DefaultBridge {
		return "gantry"
	}
	return "gantry_" + m.cfg.Bridge
}

// vethPrefix starts the name of every host-side veth of this network. The
// anti-spoof rules and Sweep know the network's ports by it.
func (m *Manager) vethPrefix() string {
	sum := sha256.Sum256([]byte(m.cfg.Bridge))
	return "gt" + hex.EncodeToString(sum[:2])
}

func (m *Manager) check(spec Spec) error {
	switch {
	case m.err != nil:
		return m.err
	case spec.ContainerID == "":
		return fmt.Errorf("attaching a container without an ID: %w", store.ErrInvalid)
	case spec.Pid <= 0 && spec.NetNSPath == "":
		return fmt.Errorf("attaching %s: no process or network namespace given: %w", short(spec.ContainerID), store.ErrInvalid)
	case spec.Network != "" && spec.Network != "bridge" && spec.Network != m.cfg.Bridge:
		return fmt.Errorf("network %q: %w", spec.Network, store.ErrNotFound)
	}
	for _, p := range spec.Ports {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

func (p Port) check() error {
	if p.Proto != "tcp" && p.Proto != "udp" {
		return fmt.Errorf("port protocol %q: tcp or udp: %w", p.Proto, store.ErrInvalid)
	}
	if p.ContainerPort == 0 {
		return fmt.Errorf("publishing port 0: port numbers must be between 1 and 65535: %w", store.ErrInvalid)
	}
	if p.HostIP == "" {
		return nil
	}
	_, err := parseHostIP(p.HostIP)
	return err
}

// short is an ID as people see it.
func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

// dump asks the kernel for a list again while it reports that the list changed
// under its hands, a few times; the last answer stands.
func dump[T any](list func() ([]T, error)) (all []T, err error) {
	for range 8 {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return all, err
		}
	}
	return all, nil
}

// ignore drops the errors a repeated removal or addition meets.
func ignore(err error, targets ...error) error {
	for _, t := range targets {
		if errors.Is(err, t) {
			return nil
		}
	}
	return err
}
