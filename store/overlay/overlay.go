// Package overlay stacks layer directories into the file system a container
// sees. It uses the mount API that takes layers one by one, so that neither
// their number nor the length of their paths meets the 4 KiB limit of mount(2),
// and falls back to mount(2) with short names on kernels before 6.5. A mount
// belongs to the mount namespace of the calling thread.
package overlay

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/store"
)

// maxLowers is the kernel's OVL_MAX_STACK.
const maxLowers = 500

// Options choose how a mount behaves.
type Options struct {
	// Volatile leaves out every flush of the upper directory: for content that
	// need not survive a power cut. Such an upper cannot be mounted again after
	// a crash of the machine.
	Volatile bool
	// UserXattr keeps overlay's marks in user.overlay.* instead of
	// trusted.overlay.*, as a mount in a user namespace must.
	UserXattr bool
}

// flags switch off what a layer's own attributes could abuse, and what would
// make an upper directory differ from the layer it becomes on commit.
var flags = [][2]string{
	{"redirect_dir", "nofollow"},
	{"metacopy", "off"},
	{"index", "off"},
}

// Mount puts the overlay of lowers, top first, with the writable directories
// upper and work on target. Without upper the result is a read-only view.
func Mount(target string, lowers []string, upper, work string, o Options) error {
	if err := check(lowers, upper, work); err != nil {
		return err
	}
	if upper == "" && len(lowers) == 1 {
		return bind(lowers[0], target)
	}
	l := layers{lowers: lowers, upper: upper, work: work, o: o}
	err := l.mountNew(target)
	if errors.Is(err, errNoNewAPI) {
		err = l.mountOld(target)
	}
	if err != nil {
		return fmt.Errorf("mounting %d layers on %s: %w", len(lowers), target, err)
	}
	return nil
}

// Unmount takes the mount on target away, at once for everybody who looks and
// in the end when the last user leaves. It is no error when there is none.
func Unmount(target string) error {
	err := unix.Unmount(target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	switch {
	case err == nil, errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EPERM) && !mountPoint(target): // asked before what there is
		return nil
	}
	return fmt.Errorf("unmounting %s: %w", target, err)
}

// mountPoint is true also where the kernel cannot tell.
func mountPoint(path string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, 0, &st)
	if errors.Is(err, unix.ENOENT) {
		return false
	}
	return err != nil || st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0 || st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

func check(lowers []string, upper, work string) error {
	switch {
	case len(lowers) == 0:
		return fmt.Errorf("an overlay needs a layer: %w", store.ErrInvalid)
	case len(lowers) > maxLowers:
		return fmt.Errorf("%d layers are more than the kernel's %d: %w", len(lowers), maxLowers, store.ErrInvalid)
	case (upper == "") != (work == ""):
		return fmt.Errorf("an overlay has both an upper and a work directory or neither: %w", store.ErrInvalid)
	}
	return nil
}

// layers is one overlay to mount.
type layers struct {
	lowers      []string
	upper, work string
	o           Options
}

// options are the key=value and bare options besides the directories.
func (l layers) options() [][2]string {
	all := append([][2]string(nil), flags...)
	if l.o.Volatile && l.upper != "" {
		all = append(all, [2]string{"volatile"})
	}
	if l.o.UserXattr {
		all = append(all, [2]string{"userxattr"})
	}
	return all
}

// bind makes a read-only view of a single directory, which overlay refuses to
// be.
func bind(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("binding %s on %s: %w", source, target, err)
	}
	// A bind mount takes on its flags only when mounted again.
	err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	if err != nil {
		return errors.Join(fmt.Errorf("making %s read-only: %w", target, err), Unmount(target))
	}
	return nil
}

// joined writes options as mount(2) takes them.
func joined(options [][2]string) string {
	var b strings.Builder
	for i, o := range options {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o[0])
		if o[1] != "" {
			b.WriteString("=" + o[1])
		}
	}
	return b.String()
}
