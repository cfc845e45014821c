package applets

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ps lists all processes the namespace shows.
func ps(c *call) int {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return c.fail("%v", err)
	}
	var pids []int
	for _, d := range dirs {
		if pid, err := strconv.Atoi(d.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	sort.Ints(pids)
	c.printf("%5s %-8s %6s %7s %s\n", "PID", "USER", "TIME", "RSS", "COMMAND")
	for _, pid := range pids {
		p, ok := readProc(pid)
		if ok {
			c.printf("%5d %-8s %6s %7s %s\n", pid, p.user, since(p.cpu), human(p.rss), p.command)
		}
	}
	return 0
}

type proc struct {
	user, command string
	cpu           time.Duration
	rss           int64
}

// readProc reads one process; false means that it has ended meanwhile.
func readProc(pid int) (proc, bool) {
	dir := fmt.Sprintf("/proc/%d", pid)
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return proc{}, false
	}
	// The name is in parentheses and may hold anything.
	text := string(data)
	open, shut := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || shut < open {
		return proc{}, false
	}
	f := strings.Fields(text[shut+1:])
	if len(f) < 22 {
		return proc{}, false
	}
	num := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
	const ticks = 100 // USER_HZ, fixed in Linux's ABI
	p := proc{
		cpu:     time.Duration(num(11)+num(12)) * time.Second / ticks,
		rss:     num(21) * int64(os.Getpagesize()),
		command: "[" + text[open+1:shut] + "]",
		user:    "?",
	}
	if cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil && len(cmdline) > 0 {
		p.command = strings.TrimRight(strings.ReplaceAll(string(cmdline), "\x00", " "), " ")
	}
	var st unix.Stat_t
	if unix.Stat(dir, &st) == nil {
		p.user = orNumber(nameOf("/etc/passwd", int(st.Uid)), st.Uid)
	}
	return p, true
}

type mountEntry struct{ device, dir, kind, options string }

func mounts() ([]mountEntry, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var all []mountEntry
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if w := strings.Fields(s.Text()); len(w) > 3 {
			all = append(all, mountEntry{unescape.Replace(w[0]), unescape.Replace(w[1]), w[2], w[3]})
		}
	}
	return all, s.Err()
}

func mount(c *call) int {
	if len(c.args) > 0 {
		return c.usage("only lists; mounting needs privileges a container lacks")
	}
	all, err := mounts()
	if err != nil {
		return c.fail("%v", err)
	}
	for _, m := range all {
		c.printf("%s on %s type %s (%s)\n", m.device, m.dir, m.kind, m.options)
	}
	return 0
}

func df(c *call) int {
	opts, names, err := flags("hkmaPT", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	all, err := mounts()
	if err != nil {
		return c.fail("%v", err)
	}
	if len(names) > 0 {
		all = nil
		for _, name := range names {
			all = append(all, mountEntry{device: "-", dir: c.path(name)})
		}
	}
	unit := "1K-blocks"
	if opts.has('h') {
		unit = "Size"
	} else if opts.has('m') {
		unit = "1M-blocks"
	}
	c.printf("%-20s %10s %10s %10s %4s %s\n", "Filesystem", unit, "Used", "Available", "Use%", "Mounted on")
	code := 0
	for _, m := range all {
		var st unix.Statfs_t
		if err := unix.Statfs(m.dir, &st); err != nil {
			if len(names) > 0 {
				code = c.fail("%s: %v", m.dir, why(err))
			}
			continue
		}
		if st.Blocks == 0 && !opts.has('a') && len(names) == 0 {
			continue
		}
		total, free, avail := int64(st.Blocks)*st.Bsize, int64(st.Bfree)*st.Bsize, int64(st.Bavail)*st.Bsize
		used, percent := total-free, int64(0)
		if used+avail > 0 {
			percent = (used*100 + used + avail - 1) / (used + avail)
		}
		c.printf("%-20s %10s %10s %10s %3d%% %s\n", m.device, size(total, opts), size(used, opts), size(avail, opts), percent, m.dir)
	}
	return code
}

func free(c *call) int {
	opts, _, err := flags("hkmb", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return c.fail("%v", err)
	}
	kb := map[string]int64{}
	for line := range strings.Lines(string(data)) {
		if w := strings.Fields(line); len(w) > 1 {
			kb[strings.TrimSuffix(w[0], ":")], _ = strconv.ParseInt(w[1], 10, 64)
		}
	}
	show := func(n int64) string { return size(n<<10, opts) }
	cache := kb["Buffers"] + kb["Cached"] + kb["SReclaimable"]
	c.printf("%-6s %12s %12s %12s %12s %12s %12s\n", "", "total", "used", "free", "shared", "buff/cache", "available")
	c.printf("%-6s %12s %12s %12s %12s %12s %12s\n", "Mem:", show(kb["MemTotal"]), show(kb["MemTotal"]-kb["MemFree"]-cache),
		show(kb["MemFree"]), show(kb["Shmem"]), show(cache), show(kb["MemAvailable"]))
	c.printf("%-6s %12s %12s %12s\n", "Swap:", show(kb["SwapTotal"]), show(kb["SwapTotal"]-kb["SwapFree"]), show(kb["SwapFree"]))
	return 0
}

// ip lists addresses, for "ip addr" and its abbreviations.
func ip(c *call) int {
	if len(c.args) > 0 && !strings.HasPrefix("address", c.args[0]) {
		return c.usage("only lists addresses: ip addr")
	}
	links, err := net.Interfaces()
	if err != nil {
		return c.fail("%v", err)
	}
	for _, l := range links {
		c.printf("%d: %s: <%s> mtu %d\n", l.Index, l.Name, strings.ToUpper(strings.ReplaceAll(l.Flags.String(), "|", ",")), l.MTU)
		if len(l.HardwareAddr) > 0 {
			c.printf("    link/ether %s\n", l.HardwareAddr)
		}
		addrs, err := l.Addrs()
		if err != nil {
			return c.fail("%s: %v", l.Name, err)
		}
		for _, a := range addrs {
			family := "inet"
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil {
				family = "inet6"
			}
			c.printf("    %s %s\n", family, a)
		}
	}
	return 0
}
