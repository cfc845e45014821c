package overlay

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// errNoNewAPI says that this kernel cannot take layers one by one.
var errNoNewAPI = errors.New("no fsconfig lowerdir+")

// maxParamBytes is the longest string fsconfig(2) takes.
const maxParamBytes = 255

// mountNew attaches the mount when it is complete: nobody sees a half-made one.
func (l layers) mountNew(target string) error {
	mnt, err := l.detached()
	if err != nil {
		return err
	}
	defer unix.Close(mnt)
	if err := unix.MoveMount(mnt, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attaching: %w", err)
	}
	return nil
}

// detached builds the mount with fsopen(2) and fsconfig(2). It exists as long
// as the descriptor, or what it is attached to.
func (l layers) detached() (int, error) {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return -1, errNoNewAPI
	}
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	if err := l.configure(fs); err != nil {
		return -1, err
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, explain(fs, "creating the overlay", err)
	}
	attr := unix.MOUNT_ATTR_RELATIME
	if l.upper == "" {
		attr |= unix.MOUNT_ATTR_RDONLY
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attr)
	if err != nil {
		return -1, explain(fs, "fsmount", err)
	}
	return mnt, nil
}

func (l layers) configure(fs int) error {
	if err := unix.FsconfigSetString(fs, "source", "overlay"); err != nil {
		return explain(fs, "source", err)
	}
	for i, dir := range l.lowers {
		err := setDir(fs, "lowerdir+", dir)
		if i == 0 && errors.Is(err, unix.EINVAL) && noSuchParameter(fs) {
			return errNoNewAPI
		}
		if err != nil {
			return explain(fs, "layer "+dir, err)
		}
	}
	if l.upper != "" {
		if err := setDir(fs, "upperdir", l.upper); err != nil {
			return explain(fs, "upper "+l.upper, err)
		}
		if err := setDir(fs, "workdir", l.work); err != nil {
			return explain(fs, "work "+l.work, err)
		}
	}
	for _, o := range l.options() {
		var err error
		if o[1] == "" {
			err = unix.FsconfigSetFlag(fs, o[0])
		} else {
			err = unix.FsconfigSetString(fs, o[0], o[1])
		}
		if err != nil {
			return explain(fs, joined([][2]string{o}), err)
		}
	}
	return nil
}

// setDir passes a directory. A path too long for fsconfig goes in by way of an
// open descriptor, which the kernel resolves at once.
func setDir(fs int, key, dir string) error {
	if len(dir) <= maxParamBytes {
		return unix.FsconfigSetString(fs, key, dir)
	}
	fd, err := openDir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.FsconfigSetString(fs, key, fdPath(fd))
}

func openDir(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return fd, nil
}

func fdPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// noSuchParameter asks the kernel why it refused.
func noSuchParameter(fs int) bool {
	log := messages(fs)
	return log == "" || strings.Contains(log, "Unknown parameter")
}

// explain adds what the kernel noted to an error.
func explain(fs int, doing string, err error) error {
	if log := messages(fs); log != "" {
		return fmt.Errorf("%s: %w (%s)", doing, err, log)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// messages reads the kernel's remarks on a file system being configured.
func messages(fs int) string {
	var all []string
	buf := make([]byte, 1024)
	for {
		n, err := unix.Read(fs, buf)
		if err != nil || n <= 0 {
			return strings.Join(all, "; ")
		}
		_, text, _ := strings.Cut(string(buf[:n]), " ") // after its level: "e ", "w "
		all = append(all, strings.TrimSpace(text))
	}
}
