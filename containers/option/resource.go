package option

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// MinMemory is the smallest memory limit a container starts with.
const MinMemory = 6 << 20

// ParseMemory reads a size such as 512m or 1.5GiB, in bytes when it has no
// unit. 0 means no limit.
func ParseMemory(s string) (int64, error) {
	n, err := ParseSize(s)
	if err != nil {
		return 0, err
	}
	if n != 0 && n < MinMemory {
		if digits(s) {
			return 0, bad(`Minimum memory limit allowed is 6MB: "%s" is in bytes, write %sm for megabytes`, s, s)
		}
		return 0, bad(`Minimum memory limit allowed is 6MB, got "%s"`, s)
	}
	return n, nil
}

// ParseSize reads a number of bytes with an optional unit b, k, m, g, t or p,
// each a power of 1024.
func ParseSize(s string) (int64, error) {
	number, unit, ok := splitUnit(s)
	if !ok {
		return 0, bad(`invalid size: '%s' (a number of bytes, or with a unit: 512m, 2g)`, s)
	}
	value, ok := new(big.Float).SetString(number)
	if !ok {
		return 0, bad(`invalid size: '%s' (a number of bytes, or with a unit: 512m, 2g)`, s)
	}
	value.Mul(value, new(big.Float).SetInt64(unit))
	if value.Cmp(new(big.Float).SetInt64(math.MaxInt64)) >= 0 {
		return 0, bad(`invalid size: '%s' is more than 8 exabytes`, s)
	}
	n, _ := value.Int64()
	return n, nil
}

// splitUnit divides 1.5GiB into 1.5 and the size of a gibibyte.
func splitUnit(s string) (number string, unit int64, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(s)
	}
	number, suffix := s[:end], strings.TrimSpace(s[end:])
	if number == "" || strings.Count(number, ".") > 1 || number == "." || len(number) > 64 {
		return "", 0, false
	}
	switch suffix {
	case "", "b":
		return number, 1, true
	}
	power := strings.IndexByte("kmgtp", suffix[0]) + 1
	if rest := suffix[1:]; power == 0 || rest != "" && rest != "b" && rest != "ib" {
		return "", 0, false
	}
	return number, 1 << (10 * power), true
}

// ParseCPUs reads a number of CPUs in billionths. available is how many this
// machine has. 0 means no limit.
func ParseCPUs(s string, available int) (int64, error) {
	value, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > 32 || strings.ContainsAny(s, "/eExXpP_") {
		return 0, bad(`invalid number of CPUs: '%s' (such as 0.5 or 2)`, s)
	}
	nano := value.Mul(value, big.NewRat(1e9, 1))
	if !nano.IsInt() {
		return 0, bad(`invalid number of CPUs: '%s' is too precise`, s)
	}
	if nano.Sign() == 0 {
		return 0, nil
	}
	least, most := big.NewRat(1e7, 1), big.NewRat(int64(available)*1e9, 1)
	if nano.Cmp(least) < 0 || nano.Cmp(most) > 0 {
		return 0, bad("range of CPUs is from 0.01 to %d.00, as there are only %d CPUs available, got %s",
			available, available, s)
	}
	return nano.Num().Int64(), nil
}

// ParsePidsLimit reads the most processes a container may have: 0 and -1 mean
// no limit, and come back as -1.
func ParsePidsLimit(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n < -1:
		return 0, bad(`invalid pids limit: '%s' (a number of processes, -1 for no limit)`, s)
	case n == 0:
		return -1, nil
	case n > 4<<20:
		return 0, bad(`invalid pids limit: '%s' is more than the kernel's 4194304`, s)
	}
	return n, nil
}

// ParseStopTimeout reads seconds to wait before SIGKILL; -1 waits for ever.
func ParseStopTimeout(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < -1 {
		return 0, bad(`invalid timeout: '%s' (seconds, -1 waits for ever)`, s)
	}
	return int(n), nil
}
