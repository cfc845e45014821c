package applets

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func trueProgram(*call) int  { return 0 }
func falseProgram(*call) int { return 1 }

func clearScreen(c *call) int {
	c.printf("\x1b[H\x1b[2J\x1b[3J")
	return 0
}

func hostname(c *call) int {
	if len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
		if err := unix.Sethostname([]byte(c.args[0])); err != nil {
			return c.fail("%v", err)
		}
		return 0
	}
	name, err := os.Hostname()
	if err != nil {
		return c.fail("%v", err)
	}
	if len(c.args) > 0 && c.args[0] == "-s" {
		name, _, _ = strings.Cut(name, ".")
	}
	c.println(name)
	return 0
}

func nproc(c *call) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return c.fail("%v", err)
	}
	c.println(set.Count())
	return 0
}

func pwd(c *call) int {
	c.println(c.dir)
	return 0
}

// env prints the environment. Running a command under a changed environment is
// the shell's NAME=value prefix; env does it by asking the shell.
func env(c *call) int {
	vars := c.enviro()
	args := c.args
	for len(args) > 0 {
		switch {
		case args[0] == "-i" || args[0] == "-":
			vars, args = nil, args[1:]
		case args[0] == "-u" && len(args) > 1:
			vars, args = unset(vars, args[1]), args[2:]
		case strings.Contains(args[0], "="):
			name, _, _ := strings.Cut(args[0], "=")
			vars, args = append(unset(vars, name), args[0]), args[1:]
		default:
			return c.under(vars, args)
		}
	}
	for _, v := range vars {
		c.println(v)
	}
	return 0
}

func unset(vars []string, name string) []string {
	var kept []string
	for _, v := range vars {
		if !strings.HasPrefix(v, name+"=") {
			kept = append(kept, v)
		}
	}
	return kept
}

func printenv(c *call) int {
	if len(c.args) == 0 {
		return env(c)
	}
	code := 0
	for _, name := range c.args {
		v, ok := c.env(name)
		if !ok {
			code = 1
			continue
		}
		c.println(v)
	}
	return code
}

func uname(c *call) int {
	opts, _, err := flags("asnrvmo", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return c.fail("%v", err)
	}
	var words []string
	for _, part := range []struct {
		letter byte
		value  string
	}{
		{'s', unix.ByteSliceToString(u.Sysname[:])},
		{'n', unix.ByteSliceToString(u.Nodename[:])},
		{'r', unix.ByteSliceToString(u.Release[:])},
		{'v', unix.ByteSliceToString(u.Version[:])},
		{'m', unix.ByteSliceToString(u.Machine[:])},
		{'o', "GNU/Linux"},
	} {
		if opts.has('a') || opts.has(part.letter) || len(opts) == 0 && part.letter == 's' {
			words = append(words, part.value)
		}
	}
	c.println(strings.Join(words, " "))
	return 0
}

func sleep(c *call) int {
	if len(c.args) == 0 {
		return c.usage("how long?")
	}
	var total time.Duration
	for _, a := range c.args {
		d, err := parseSpan(a)
		if err != nil {
			return c.usage("invalid time interval %q", a)
		}
		total += d
	}
	t := time.NewTimer(total)
	defer t.Stop()
	select {
	case <-c.ctx.Done():
		return 130
	case <-t.C:
		return 0
	}
}

// parseSpan reads 1, 0.5, 2m, 3h, 1d or infinity.
func parseSpan(s string) (time.Duration, error) {
	if s == "infinity" || s == "inf" {
		return math.MaxInt64, nil
	}
	unit := time.Second
	for suffix, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if t, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = t, u
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n > 1e9 {
		return 0, strconv.ErrRange
	}
	return time.Duration(n * float64(unit)), nil
}

func seq(c *call) int {
	opts, args, err := flags("s:w", negatives(c.args))
	if err != nil {
		return c.usage("%v", err)
	}
	first, step, last := 1.0, 1.0, 0.0
	var bad error
	num := func(s string) float64 {
		n, err := strconv.ParseFloat(strings.TrimPrefix(s, "\x00"), 64)
		if err != nil {
			bad = fmt.Errorf("invalid number %q", s)
		}
		return n
	}
	switch len(args) {
	case 1:
		last = num(args[0])
	case 2:
		first, last = num(args[0]), num(args[1])
	case 3:
		first, step, last = num(args[0]), num(args[1]), num(args[2])
	default:
		return c.usage("one to three numbers: [first [step]] last")
	}
	if bad != nil || step == 0 {
		return c.usage("%v", bad)
	}
	digits := 0
	for _, a := range args {
		if _, frac, ok := strings.Cut(a, "."); ok {
			digits = max(digits, len(frac))
		}
	}
	sep := opts.or('s', "\n")
	n := math.Floor((last-first)/step + 1e-9)
	for i := 0.0; i <= n && !c.stopped(); i++ {
		if i > 0 {
			c.printf("%s", sep)
		}
		c.printf("%s", strconv.FormatFloat(first+i*step, 'f', digits, 64))
	}
	if n >= 0 {
		c.println()
	}
	return 0
}

// negatives marks arguments such as -5 so that they are not taken as options.
func negatives(args []string) []string {
	marked := make([]string, len(args))
	for i, a := range args {
		if len(a) > 1 && a[0] == '-' && (a[1] >= '0' && a[1] <= '9' || a[1] == '.') {
			a = "\x00" + a
		}
		marked[i] = a
	}
	return marked
}

func date(c *call) int {
	opts, args, err := flags("ud:R", c.args)
	if err != nil {
		return c.usage("%v", err)
	}
	now := time.Now()
	if d, ok := opts['d']; ok {
		if now, err = parseDate(d); err != nil {
			return c.usage("invalid date %q", d)
		}
	}
	if opts.has('u') {
		now = now.UTC()
	}
	format := "%a %b %e %H:%M:%S %Z %Y"
	if opts.has('R') {
		format = "%a, %d %b %Y %H:%M:%S %z"
	}
	if len(args) > 0 {
		f, ok := strings.CutPrefix(args[0], "+")
		if !ok {
			return c.usage("a format starts with '+'; setting the clock is the host's business")
		}
		format = f
	}
	c.println(strftime(format, now))
	return 0
}

func parseDate(s string) (time.Time, error) {
	if t, ok := strings.CutPrefix(s, "@"); ok {
		n, err := strconv.ParseInt(t, 10, 64)
		return time.Unix(n, 0), err
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, strconv.ErrSyntax
}

func strftime(format string, t time.Time) string {
	layouts := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'e': "_2", 'I': "03",
		'p': "PM", 'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'Z': "MST", 'z': "-0700",
		'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006", 'N': "000000000",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch ch := format[i]; ch {
		case '%':
			b.WriteByte('%')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case 'u':
			b.WriteString(strconv.Itoa((int(t.Weekday())+6)%7 + 1))
		case 'w':
			b.WriteString(strconv.Itoa(int(t.Weekday())))
		case 'N':
			fmt.Fprintf(&b, "%09d", t.Nanosecond())
		default:
			if layout, ok := layouts[ch]; ok {
				b.WriteString(t.Format(layout))
			} else {
				b.WriteString("%" + string(ch))
			}
		}
	}
	return b.String()
}

func kill(c *call) int {
	sig := unix.SIGTERM
	args := c.args
	if len(args) > 0 && args[0] == "-l" {
		for n := 1; n < 32; n++ {
			c.printf("%2d %s\n", n, strings.TrimPrefix(unix.SignalName(unix.Signal(n)), "SIG"))
		}
		return 0
	}
	if len(args) > 1 && args[0] == "-s" {
		args = append([]string{"-" + args[1]}, args[2:]...)
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "--" {
		s, ok := signalNamed(args[0][1:])
		if !ok {
			return c.usage("unknown signal %q", args[0][1:])
		}
		sig, args = s, args[1:]
	}
	if len(args) == 0 {
		return c.usage("whom? give process IDs")
	}
	code := 0
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err == nil {
			err = unix.Kill(pid, sig)
		}
		if err != nil {
			code = c.fail("(%s) - %v", a, err)
		}
	}
	return code
}

func signalNamed(s string) (unix.Signal, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return unix.Signal(n), n >= 0 && n < 65
	}
	s = strings.ToUpper(s)
	if !strings.HasPrefix(s, "SIG") {
		s = "SIG" + s
	}
	sig := unix.SignalNum(s)
	return sig, sig != 0
}
