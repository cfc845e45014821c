package applets

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
)

func id(c *call) int {
	opts, names, err := flags("ugnG", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	uid, gid, groups := os.Getuid(), os.Getgid(), []int(nil)
	groups, _ = os.Getgroups()
	if len(names) > 0 {
		var ok bool
		if uid, gid, ok = lookupUser(names[0]); !ok {
			return c.fail("unknown user %s", names[0])
		}
		groups = nil
	}
	word := func(n int, file string) string {
		if opts.has('n') {
			if name := nameOf(file, n); name != "" {
				return name
			}
		}
		return strconv.Itoa(n)
	}
	switch {
	case opts.has('u'):
		c.println(word(uid, "/etc/passwd"))
		return 0
	case opts.has('g'):
		c.println(word(gid, "/etc/group"))
		return 0
	}
	all := []int{gid}
	for _, g := range groups {
		if g != gid {
			all = append(all, g)
		}
	}
	sort.Ints(all[1:])
	var list []string
	for _, g := range all {
		if opts.has('G') {
			list = append(list, word(g, "/etc/group"))
		} else {
			list = append(list, numbered(g, "/etc/group"))
		}
	}
	if opts.has('G') {
		c.println(strings.Join(list, " "))
		return 0
	}
	c.printf("uid=%s gid=%s groups=%s\n", numbered(uid, "/etc/passwd"), numbered(gid, "/etc/group"), strings.Join(list, ","))
	return 0
}

func whoami(c *call) int {
	name := nameOf("/etc/passwd", os.Geteuid())
	if name == "" {
		return c.fail("no name for user ID %d", os.Geteuid())
	}
	c.println(name)
	return 0
}

func numbered(n int, file string) string {
	if name := nameOf(file, n); name != "" {
		return fmt.Sprintf("%d(%s)", n, name)
	}
	return strconv.Itoa(n)
}

// nameOf finds the name of a numeric ID in a passwd or group file.
func nameOf(file string, n int) string {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) > 2 && f[2] == strconv.Itoa(n) {
			return f[0]
		}
	}
	return ""
}

func lookupUser(name string) (uid, gid int, ok bool) {
	data, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) > 3 && f[0] == name {
			uid, err1 := strconv.Atoi(f[2])
			gid, err2 := strconv.Atoi(f[3])
			return uid, gid, err1 == nil && err2 == nil
		}
	}
	return 0, 0, false
}
