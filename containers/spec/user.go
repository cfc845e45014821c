package spec

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/moby/sys/user"
)

// Identity is a user as the container's own files know it.
type Identity struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
	Home     string   // "/" when the files do not say
}

// User resolves name|uid[:group|gid] in the root file system at rootfs; "" is
// root. Supplementary groups come from /etc/group unless a group is given.
func User(rootfs, name string) (Identity, error) {
	root, err := openRoot(rootfs)
	if err != nil {
		return Identity{}, err
	}
	defer root.Close()
	return root.user(name)
}

func (r *root) user(name string) (Identity, error) {
	if strings.Count(name, ":") > 1 || strings.ContainsAny(name, "\x00\r\n") {
		return Identity{}, fmt.Errorf("invalid user %q: write name|uid[:group|gid]", name)
	}
	passwd, closePasswd, err := r.database("/etc/passwd")
	if err != nil {
		return Identity{}, err
	}
	defer closePasswd()
	group, closeGroup, err := r.database("/etc/group")
	if err != nil {
		return Identity{}, err
	}
	defer closeGroup()
	found, err := user.GetExecUser(name, &user.ExecUser{Home: "/"}, passwd, group)
	if err != nil {
		return Identity{}, err
	}
	return identity(name, found)
}

// database opens a file of users or groups; an image without has none of them.
func (r *root) database(path string) (io.Reader, func(), error) {
	f, err := r.readable(path)
	if err != nil || f == nil {
		return strings.NewReader(""), func() {}, err
	}
	return io.LimitReader(f, maxFile), func() { _ = f.Close() }, nil
}

func identity(name string, found *user.ExecUser) (Identity, error) {
	who := Identity{Home: found.Home}
	for _, id := range append([]int{found.Uid, found.Gid}, found.Sgids...) {
		if id < 0 || id > math.MaxInt32 {
			return Identity{}, fmt.Errorf("user %q: %w", name, user.ErrRange)
		}
	}
	who.UID, who.GID = uint32(found.Uid), uint32(found.Gid)
	for _, g := range found.Sgids {
		who.Groups = append(who.Groups, uint32(g))
	}
	if who.Home == "" || strings.ContainsAny(who.Home, "\x00\r\n") {
		who.Home = "/"
	}
	return who, nil
}
