package option

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Linux's real-time signals as the C library numbers them.
const (
	rtMin = 34
	rtMax = 64
)

// ParseSignal reads a signal's number or its name, with or without SIG and in
// any case, and returns the name, such as SIGTERM or SIGRTMIN+3.
func ParseSignal(s string) (string, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if name := signalName(n); name != "" {
			return name, nil
		}
		return "", bad("invalid signal: %s (signals are 1 to %d)", s, rtMax)
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if unix.SignalNum(name) != 0 {
		return name, nil
	}
	if n := realTime(strings.TrimPrefix(name, "SIG")); n != 0 {
		return signalName(n), nil
	}
	return "", bad("invalid signal: %s%s", s, suggest(strings.TrimPrefix(name, "SIG"), signalNames()))
}

// signalName returns the name of signal n, or "".
func signalName(n int) string {
	switch {
	case n == rtMin:
		return "SIGRTMIN"
	case n > rtMin && n < rtMax:
		return "SIGRTMIN+" + strconv.Itoa(n-rtMin)
	case n == rtMax:
		return "SIGRTMAX"
	case n < 1 || n > rtMax:
		return ""
	}
	return unix.SignalName(unix.Signal(n))
}

// realTime reads RTMIN, RTMIN+n, RTMAX and RTMAX-n; 0 when s is none of them.
func realTime(s string) int {
	base, sign, offset := 0, "", ""
	switch {
	case strings.HasPrefix(s, "RTMIN"):
		base, sign, offset = rtMin, "+", s[5:]
	case strings.HasPrefix(s, "RTMAX"):
		base, sign, offset = rtMax, "-", s[5:]
	default:
		return 0
	}
	if offset == "" {
		return base
	}
	n, err := strconv.Atoi(sign + strings.TrimPrefix(offset, sign))
	if err != nil || !strings.HasPrefix(offset, sign) || base+n < rtMin || base+n > rtMax {
		return 0
	}
	return base + n
}

func signalNames() []string {
	var names []string
	for n := 1; n < 32; n++ {
		if name := unix.SignalName(unix.Signal(n)); name != "" {
			names = append(names, strings.TrimPrefix(name, "SIG"))
		}
	}
	return names
}
