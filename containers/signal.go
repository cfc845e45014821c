package containers

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry/internal/termsafe"
	"gantry/store"
)

// The kernel's real-time signals as libc numbers them: it keeps two of its own.
const (
	sigRTMin = 34
	sigRTMax = 64
)

// ParseSignal understands what docker kill does: SIGTERM, term, 15, RTMIN+3.
func ParseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > sigRTMax {
			return 0, invalidSignal(s)
		}
		return syscall.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	for base, from := range map[string]int{"RTMIN": sigRTMin, "RTMAX": sigRTMax} {
		rest, ok := strings.CutPrefix(name, base)
		if !ok {
			continue
		}
		offset, err := strconv.Atoi(rest) // +3, -3
		if n := from + offset; (rest == "" || err == nil) && n >= sigRTMin && n <= sigRTMax {
			return syscall.Signal(n), nil
		}
	}
	return 0, invalidSignal(s)
}

func invalidSignal(s string) error {
	return sayf(store.ErrInvalid, "invalid signal: %s", termsafe.Line(s))
}

// stopSignal is what asks the container to end.
func (c Config) stopSignal() string {
	if c.StopSignal == "" {
		return "SIGTERM"
	}
	return c.StopSignal
}
