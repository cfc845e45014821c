package runtime

import (
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

// flag is what one mount option sets, or with clear takes away.
type flag struct {
	bit   int
	clear bool
}

var mountFlags = map[string]flag{
	"bind": {unix.MS_BIND, false}, "rbind": {unix.MS_BIND | unix.MS_REC, false},
	"ro": {unix.MS_RDONLY, false}, "rw": {unix.MS_RDONLY, true},
	"nosuid": {unix.MS_NOSUID, false}, "suid": {unix.MS_NOSUID, true},
	"nodev": {unix.MS_NODEV, false}, "dev": {unix.MS_NODEV, true},
	"noexec": {unix.MS_NOEXEC, false}, "exec": {unix.MS_NOEXEC, true},
	"noatime": {unix.MS_NOATIME, false}, "atime": {unix.MS_NOATIME, true},
	"nodiratime": {unix.MS_NODIRATIME, false}, "diratime": {unix.MS_NODIRATIME, true},
	"relatime": {unix.MS_RELATIME, false}, "norelatime": {unix.MS_RELATIME, true},
	"strictatime": {unix.MS_STRICTATIME, false}, "nostrictatime": {unix.MS_STRICTATIME, true},
	"sync": {unix.MS_SYNCHRONOUS, false}, "async": {unix.MS_SYNCHRONOUS, true},
	"nosymfollow": {unix.MS_NOSYMFOLLOW, false}, "symfollow": {unix.MS_NOSYMFOLLOW, true},
	"defaults": {0, false},
}

var propagation = map[string]int{
	"private": unix.MS_PRIVATE, "rprivate": unix.MS_PRIVATE | unix.MS_REC,
	"slave": unix.MS_SLAVE, "rslave": unix.MS_SLAVE | unix.MS_REC,
	"shared": unix.MS_SHARED, "rshared": unix.MS_SHARED | unix.MS_REC,
}

// toMount translates m. Options it does not know go to the file system.
func toMount(m Mount) *configs.Mount {
	out := &configs.Mount{Source: m.Source, Destination: m.Destination, Device: m.Type}
	var data []string
	for _, o := range m.Options {
		if p, ok := propagation[o]; ok {
			out.PropagationFlags = append(out.PropagationFlags, p)
			continue
		}
		if o == "rro" {
			out.RecAttr = &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
			continue
		}
		f, ok := mountFlags[o]
		switch {
		case !ok:
			data = append(data, o)
		case f.clear:
			out.Flags &^= f.bit
			out.ClearedFlags |= f.bit
		default:
			out.Flags |= f.bit
			out.ClearedFlags &^= f.bit
		}
	}
	out.Data = strings.Join(data, ",")
	if out.IsBind() {
		out.Device = "bind"
	}
	return out
}

// mountsOf puts the package's own mounts and the container's in order. A mount
// of the container that covers an own one replaces it where that stood.
func mountsOf(extra []Mount) []*configs.Mount {
	var out []*configs.Mount
	used := make([]bool, len(extra))
	for _, own := range ownMounts() {
		at := slices.IndexFunc(extra, func(m Mount) bool { return path.Clean(m.Destination) == own.Destination })
		if at >= 0 {
			own, used[at] = extra[at], true
		}
		out = append(out, toMount(own))
	}
	for i, m := range extra {
		if !used[i] {
			out = append(out, toMount(m))
		}
	}
	return out
}
