package e2e

import (
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func procDirs() []string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	return dirs
}

// kill sends SIGKILL to one process, given by its folder name in /proc.
func kill(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 1 {
		t.Fatalf("will not kill pid %q", pid)
	}
	if err := unix.Kill(n, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// totalBytes sums the blob bytes a registry has sent, from its access log.
func totalBytes(r *registry) int {
	total := 0
	for _, m := range regexp.MustCompile(`"GET /v2/[^"]+/blobs/[^"]*" 2\d\d (\d+)`).FindAllStringSubmatch(r.log.String(), -1) {
		n, _ := strconv.Atoi(m[1])
		total += n
	}
	return total
}
