package layers

import (
	"archive/tar"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/internal/termsafe"
)

// instructions makes the list of layers of an image's history. Layers the
// history does not know come last; what it says of layers that are not there
// counts as empty.
func (x *Index) instructions(history []v1.History, diffIDs []digest.Digest) {
	for _, h := range history {
		l := Layer{
			CreatedBy: termsafe.Line(h.CreatedBy), Comment: termsafe.Line(h.Comment),
			Empty: h.EmptyLayer || len(x.stack) == len(diffIDs),
		}
		l.Instruction = instruction(l.CreatedBy)
		if h.Created != nil {
			l.Created = *h.Created
		}
		if !l.Empty {
			l.DiffID = diffIDs[len(x.stack)]
			x.stack = append(x.stack, len(x.layers))
		}
		x.layers = append(x.layers, l)
	}
	for len(x.stack) < len(diffIDs) {
		l := Layer{DiffID: diffIDs[len(x.stack)]}
		l.Instruction = "layer " + short(l.DiffID)
		x.stack = append(x.stack, len(x.layers))
		x.layers = append(x.layers, l)
	}
}

func short(d digest.Digest) string {
	_, hexa, _ := strings.Cut(string(d), ":")
	return hexa[:min(12, len(hexa))]
}

// instruction writes a line of a history as the Dockerfile had it.
func instruction(by string) string {
	s := strings.TrimSuffix(strings.TrimSpace(by), " # buildkit")
	if run, ok := strings.CutPrefix(s, "RUN "); ok {
		if rest, ok := strings.CutPrefix(run, "|"); ok { // |1 ARG=value /bin/sh -c command
			if _, command, ok := strings.Cut(rest, " /bin/sh -c "); ok {
				return "RUN " + command
			}
		}
		return "RUN " + strings.TrimPrefix(run, "/bin/sh -c ")
	}
	if nop, ok := strings.CutPrefix(s, "/bin/sh -c #(nop)"); ok {
		return strings.Join(strings.Fields(nop), " ")
	}
	if command, ok := strings.CutPrefix(s, "/bin/sh -c "); ok {
		return "RUN " + command
	}
	return s
}

// Path returns what the layers did to a path, oldest first: entries of its own
// and removals of a directory it was in. It is empty for an unknown path.
func (x *Index) Path(path string) []Version {
	n, ok := x.lookup(path)
	if !ok {
		return nil
	}
	var out []Version
	for i := int32(x.nodes[n].first); i < x.after(n); i++ {
		v := &x.versions[i]
		before, was := x.state(n, int(v.layer)-1)
		now, is := x.state(n, int(v.layer))
		if v.marks&implied != 0 && was && is && x.versions[before.content].typ == tar.TypeDir {
			continue // something below it changed
		}
		if is || was {
			out = append(out, x.describe(n, now, is, before, was, i))
		}
		if v.died >= 0 && x.in(n, int(v.died)) < 0 && v.marks&whiteout == 0 {
			out = append(out, Version{Layer: x.stack[v.died], Class: Removed, Kind: Gone, Flags: Whiteout, Died: -1})
		}
	}
	return out
}

// At returns the version of path there is after layer.
func (x *Index) At(layer int, path string) (Version, bool) {
	n, ok := x.lookup(path)
	if !ok {
		return Version{}, false
	}
	return x.at(n, x.place(layer))
}

func (x *Index) at(n int32, place int) (Version, bool) {
	now, is := x.state(n, place)
	if !is {
		return Version{}, false
	}
	before, was := x.state(n, int(x.versions[now.shown].layer)-1)
	return x.describe(n, now, true, before, was, now.shown), true
}

// describe makes a Version of version i of n.
func (x *Index) describe(n int32, now seen, is bool, before seen, was bool, i int32) Version {
	v := &x.versions[i]
	out := Version{Layer: x.stack[v.layer], Died: -1, Class: x.class(now, is, before, was)}
	if !is {
		out.Kind, out.Flags = Gone, Whiteout
		return out
	}
	if v.died >= 0 {
		out.Died = x.stack[v.died]
	}
	a, c := &x.versions[now.attrs], &x.versions[now.content]
	out.Kind, out.Flags = kindOf(c.typ), x.flags(now)
	if was && out.Class == Unmodified && v.typ == tar.TypeReg {
		out.Flags |= Rewritten
	}
	out.Mode, out.UID, out.GID = uint32(a.mode), int(a.uid), int(a.gid)
	out.ModTime = x.time(a)
	more := &x.more[a.more]
	out.Major, out.Minor = more.major, more.minor
	out.Link = x.more[v.more].link
	if c.typ == tar.TypeReg {
		out.Size, out.Digest = c.size, digest.NewDigestFromBytes(digest.SHA256, c.sum[:])
	}
	for key, value := range more.xattrs {
		if out.Xattrs == nil {
			out.Xattrs = map[string]string{}
		}
		out.Xattrs[termsafe.Line(key)] = xattrText(key, value)
	}
	return out
}

func (x *Index) time(v *version) time.Time { return time.Unix(v.sec, 0).UTC() }

func (x *Index) class(now seen, is bool, before seen, was bool) Class {
	switch {
	case !is:
		return Removed
	case !was:
		return Added
	case x.same(now, before):
		return Unmodified
	}
	return Changed
}

func (x *Index) flags(s seen) (f Flags) {
	set := func(bit Flags, on bool) {
		if on {
			f |= bit
		}
	}
	v, a := &x.versions[s.shown], &x.versions[s.attrs]
	isFile := x.versions[s.content].typ == tar.TypeReg
	set(Setuid, isFile && a.mode&0o4000 != 0)
	set(Setgid, isFile && a.mode&0o2000 != 0)
	set(Sticky, a.mode&0o1000 != 0)
	set(HardLink, v.typ == tar.TypeLink)
	set(Opaque, v.marks&opaque != 0)
	set(Implied, v.marks&implied != 0)
	if xattrs := x.more[a.more].xattrs; len(xattrs) > 0 {
		_, caps := xattrs[capabilityXattr]
		set(Xattrs, true)
		set(Capabilities, caps)
	}
	return f
}

func kindOf(typ byte) Kind {
	switch typ {
	case tar.TypeDir:
		return Dir
	case tar.TypeSymlink:
		return Symlink
	case tar.TypeChar:
		return Char
	case tar.TypeBlock:
		return Block
	case tar.TypeFifo:
		return Fifo
	}
	return File
}

const capabilityXattr = "security.capability"

// xattrText shows an attribute's value: capabilities by name, text as it is,
// anything else in hex.
func xattrText(key, value string) string {
	if key == capabilityXattr {
		if s, ok := capabilities(value); ok {
			return s
		}
	}
	text := strings.TrimSuffix(value, "\x00")
	if shown := termsafe.Line(text); shown == text {
		return shown
	}
	return "0x" + hex.EncodeToString([]byte(value))
}

// String names a class.
func (c Class) String() string {
	return [...]string{"unmodified", "added", "changed", "removed"}[c&3]
}

// MarshalText is String.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Letter is M, A or R, or a space: a class that fits a column.
func (c Class) Letter() string { return [...]string{" ", "A", "M", "R"}[c&3] }

// MarshalText is the kind's letter.
func (k Kind) MarshalText() ([]byte, error) { return []byte{byte(k)}, nil }

var flagNames = []string{"setuid", "setgid", "sticky", "capabilities", "xattrs", "hardlink", "opaque", "whiteout",
	"implied", "rewritten", "inherited"}

// Names lists the flags that are set.
func (f Flags) Names() []string {
	var out []string
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// MarshalText is the names, joined by commas.
func (f Flags) MarshalText() ([]byte, error) { return []byte(strings.Join(f.Names(), ",")), nil }

// ModeString writes mode bits as ls does.
func ModeString(k Kind, mode uint32) string {
	b := []byte("-rwxrwxrwx")
	if k != File {
		b[0] = byte(k)
	}
	for i := range 9 {
		if mode&(1<<(8-i)) == 0 {
			b[1+i] = '-'
		}
	}
	special := func(at int, bit uint32, with, without byte) {
		if mode&bit == 0 {
			return
		}
		if b[at] == 'x' {
			b[at] = with
		} else {
			b[at] = without
		}
	}
	special(3, 0o4000, 's', 'S')
	special(6, 0o2000, 's', 'S')
	special(9, 0o1000, 't', 'T')
	return string(b)
}

var capNames = strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap
linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot
sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write
audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf
checkpoint_restore`)

// capabilities reads struct vfs_cap_data, revision 2 or 3.
func capabilities(value string) (string, bool) {
	if len(value) != 20 && len(value) != 24 {
		return "", false
	}
	word := func(i int) uint64 {
		return uint64(value[i]) | uint64(value[i+1])<<8 | uint64(value[i+2])<<16 | uint64(value[i+3])<<24
	}
	permitted := word(4) | word(12)<<32
	inheritable := word(8) | word(16)<<32
	suffix := map[bool]string{true: "ep", false: "p"}[word(0)&1 != 0]
	var names []string
	for i := range 64 {
		if (permitted|inheritable)&(1<<i) == 0 {
			continue
		}
		name := fmt.Sprint(i)
		if i < len(capNames) {
			name = "cap_" + capNames[i]
		}
		names = append(names, name)
	}
	if permitted == 0 {
		suffix = "i"
	}
	return strings.Join(names, ",") + "=" + suffix, true
}
