package option

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/containers"
)

// Linux's real-time signals as the C library numbers them.
const (
	rtMin = 34
	rtMax = 64
)

// ParseSignal reads a signal's number or its name, with or without SIG and in
// any case, and returns the name, such as SIGTERM or SIGRTMIN+3.
func ParseSignal(s string) (string, error) {
	sig, err := containers.ParseSignal(s)
	if err == nil {
		return signalName(int(sig)), nil
	}
	if _, isNumber := strconv.Atoi(s); isNumber == nil {
		return "", bad("invalid signal: %s (signals are 1 to %d)", s, rtMax)
	}
	return "", bad("invalid signal: %s%s", s, suggest(strings.TrimPrefix(strings.ToUpper(s), "SIG"), signalNames()))
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

func signalNames() []string {
	var names []string
	for n := 1; n < 32; n++ {
		if name := unix.SignalName(unix.Signal(n)); name != "" {
			names = append(names, strings.TrimPrefix(name, "SIG"))
		}
	}
	return names
}
