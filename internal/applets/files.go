package applets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var errIsDir = unix.EISDIR

func basename(c *call) int {
	if len(c.args) == 0 {
		return c.usage("a path is needed")
	}
	name := path.Base(c.args[0])
	if len(c.args) > 1 && name != c.args[1] {
		name = strings.TrimSuffix(name, c.args[1])
	}
	c.println(name)
	return 0
}

func dirname(c *call) int {
	if len(c.args) == 0 {
		return c.usage("a path is needed")
	}
	for _, a := range c.args {
		a = strings.TrimRight(a, "/")
		if a == "" {
			a = "/"
		}
		c.println(path.Dir(a))
	}
	return 0
}

func readlink(c *call) int {
	opts, names, err := flags("fen", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	if opts.has('f') || opts.has('e') {
		return realpath(&call{ctx: c.ctx, name: c.name, args: names, in: c.in, out: c.out, err: c.err, dir: c.dir})
	}
	code := 0
	for _, name := range names {
		to, err := os.Readlink(c.path(name))
		if err != nil {
			code = 1
			continue
		}
		c.printf("%s", to)
		if !opts.has('n') {
			c.println()
		}
	}
	return code
}

// realpath resolves links; the last part of a path need not exist.
func realpath(c *call) int {
	code := 0
	for _, name := range c.args {
		full, err := filepath.EvalSymlinks(c.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			var dir string
			if dir, err = filepath.EvalSymlinks(filepath.Dir(c.path(name))); err == nil {
				full = filepath.Join(dir, filepath.Base(name))
			}
		}
		if err != nil {
			code = c.fail("%s: %v", name, why(err))
			continue
		}
		c.println(full)
	}
	return code
}

func rmdir(c *call) int {
	opts, names, err := flags("p", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	code := 0
	for _, name := range names {
		for dir := name; ; dir = path.Dir(dir) {
			if err := unix.Rmdir(c.path(dir)); err != nil {
				code = c.fail("%s: %v", dir, why(err))
				break
			}
			if !opts.has('p') || path.Dir(dir) == "." || path.Dir(dir) == "/" {
				break
			}
		}
	}
	return code
}

func ln(c *call) int {
	opts, names, err := flags("sfn", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	if len(names) == 0 {
		return c.usage("a target is needed")
	}
	to := "."
	if len(names) > 1 {
		to, names = names[len(names)-1], names[:len(names)-1]
	}
	info, err := os.Stat(c.path(to))
	intoDir := err == nil && info.IsDir()
	if opts.has('n') {
		if li, err := os.Lstat(c.path(to)); err == nil && li.Mode()&fs.ModeSymlink != 0 {
			intoDir = false
		}
	}
	if len(names) > 1 && !intoDir {
		return c.fail("%s is not a directory", to)
	}
	code := 0
	for _, target := range names {
		link := to
		if intoDir {
			link = path.Join(to, path.Base(target))
		}
		if opts.has('f') {
			_ = os.Remove(c.path(link))
		}
		if opts.has('s') {
			err = os.Symlink(target, c.path(link))
		} else {
			err = os.Link(c.path(target), c.path(link))
		}
		if err != nil {
			code = c.fail("%s: %v", link, why(err))
		}
	}
	return code
}

func stat(c *call) int {
	opts, names, err := flags("c:L", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	code := 0
	for _, name := range names {
		get := os.Lstat
		if opts.has('L') {
			get = os.Stat
		}
		info, err := get(c.path(name))
		if err != nil {
			code = c.fail("%s: %v", name, why(err))
			continue
		}
		format := opts.or('c', "  File: %n\n  Size: %s\tBlocks: %b\tType: %F\n  Mode: %a/%A\tUid: %u\tGid: %g\tLinks: %h\n Inode: %i\nModify: %y")
		c.println(statFormat(format, name, info))
	}
	return code
}

func statFormat(format, name string, info fs.FileInfo) string {
	st, _ := info.Sys().(*syscall.Stat_t)
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch format[i] {
		case 'n':
			b.WriteString(name)
		case 's':
			fmt.Fprint(&b, info.Size())
		case 'b':
			fmt.Fprint(&b, st.Blocks)
		case 'F':
			b.WriteString(fileType(info))
		case 'a':
			fmt.Fprintf(&b, "%o", st.Mode&0o7777)
		case 'A':
			b.WriteString(info.Mode().String())
		case 'u':
			fmt.Fprint(&b, st.Uid)
		case 'U':
			b.WriteString(orNumber(nameOf("/etc/passwd", int(st.Uid)), st.Uid))
		case 'g':
			fmt.Fprint(&b, st.Gid)
		case 'G':
			b.WriteString(orNumber(nameOf("/etc/group", int(st.Gid)), st.Gid))
		case 'h':
			fmt.Fprint(&b, st.Nlink)
		case 'i':
			fmt.Fprint(&b, st.Ino)
		case 'y':
			b.WriteString(info.ModTime().Format("2006-01-02 15:04:05.000000000 -0700"))
		case 'Y':
			fmt.Fprint(&b, info.ModTime().Unix())
		default:
			b.WriteString("%" + string(format[i]))
		}
	}
	return b.String()
}

func orNumber(name string, n uint32) string {
	if name == "" {
		return strconv.FormatUint(uint64(n), 10)
	}
	return name
}

func fileType(info fs.FileInfo) string {
	switch m := info.Mode(); {
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m&fs.ModeCharDevice != 0:
		return "character special file"
	case m&fs.ModeDevice != 0:
		return "block special file"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case info.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}

func du(c *call) int {
	opts, names, err := flags("shakmcd:", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	depth, err := strconv.Atoi(opts.or('d', "1000000"))
	if err != nil {
		return c.usage("invalid depth %q", opts['d'])
	}
	if opts.has('s') {
		depth = 0
	}
	code := 0
	total := int64(0)
	type inode struct{ dev, ino uint64 }
	seen := map[inode]bool{}
	var measure func(name string, level int) int64
	measure = func(name string, level int) int64 {
		info, err := os.Lstat(c.path(name))
		if err != nil {
			code = c.fail("%s: %v", name, why(err))
			return 0
		}
		st := info.Sys().(*syscall.Stat_t)
		key := inode{st.Dev, st.Ino}
		if st.Nlink > 1 && !info.IsDir() && seen[key] {
			return 0
		}
		seen[key] = true
		bytes := st.Blocks * 512
		if info.IsDir() && !c.stopped() {
			entries, err := os.ReadDir(c.path(name))
			if err != nil {
				code = c.fail("%s: %v", name, why(err))
			}
			for _, e := range entries {
				bytes += measure(path.Join(name, e.Name()), level+1)
			}
		}
		if level <= depth && (info.IsDir() || opts.has('a') || level == 0) {
			c.printf("%s\t%s\n", size(bytes, opts), name)
		}
		return bytes
	}
	for _, name := range names {
		total += measure(name, 0)
	}
	if opts.has('c') {
		c.printf("%s\ttotal\n", size(total, opts))
	}
	return code
}

// size is a count of bytes in kibibytes, or as -h and -m ask.
func size(bytes int64, opts options) string {
	switch {
	case opts.has('h'):
		return human(bytes)
	case opts.has('m'):
		return strconv.FormatInt((bytes+1<<20-1)>>20, 10)
	case opts.has('b'):
		return strconv.FormatInt(bytes, 10)
	}
	return strconv.FormatInt((bytes+1023)>>10, 10)
}

func human(bytes int64) string {
	n, unit := float64(bytes), 0
	for n >= 1024 && unit < 5 {
		n /= 1024
		unit++
	}
	if unit == 0 {
		return strconv.FormatInt(bytes, 10)
	}
	return fmt.Sprintf("%.1f%c", n, "BKMGTP"[unit])
}

func sha256sum(c *call) int {
	return c.each(c.args, func(name string, r io.Reader) error {
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		c.printf("%s  %s\n", hex.EncodeToString(h.Sum(nil)), name)
		return nil
	})
}

func which(c *call) int {
	code := 0
	for _, name := range c.args {
		if found := c.lookPath(name); found != "" {
			c.println(found)
		} else {
			code = 1
		}
	}
	return code
}

// lookPath finds a program as the shell would.
func (c *call) lookPath(name string) string {
	dirs, _ := c.env("PATH")
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, dir := range filepath.SplitList(dirs) {
			candidates = append(candidates, filepath.Join(dir, name))
		}
	}
	for _, p := range candidates {
		if info, err := os.Stat(c.path(p)); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return p
		}
	}
	return ""
}

// since is how long ago t was, as ps and uptime show it.
func since(d time.Duration) string {
	s := int64(d.Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
