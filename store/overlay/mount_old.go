package overlay

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/store"
)

// mountOld uses mount(2). Its options must fit into a page and cannot hold
// every path, so each directory is named by an open descriptor: seventeen bytes
// whatever its path, and no character to escape.
func (l layers) mountOld(target string) error {
	var names []string
	for _, dir := range l.lowers {
		fd, err := openDir(dir)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		names = append(names, fdPath(fd))
	}
	options := append([][2]string{{"lowerdir", strings.Join(names, ":")}}, l.options()...)
	mountFlags := uintptr(unix.MS_RELATIME)
	if l.upper == "" {
		mountFlags |= unix.MS_RDONLY
	} else {
		for key, dir := range map[string]string{"upperdir": l.upper, "workdir": l.work} {
			fd, err := openDir(dir)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			options = append(options, [2]string{key, fdPath(fd)})
		}
	}
	data := joined(options)
	if len(data) >= os.Getpagesize() {
		return fmt.Errorf("%d layers are too many for this kernel, 6.5 takes %d: %w",
			len(l.lowers), maxLowers, store.ErrInvalid)
	}
	return unix.Mount("overlay", target, "overlay", mountFlags, data)
}
