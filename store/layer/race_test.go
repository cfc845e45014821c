package layer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// TestSwappedDirectoriesLeadNowhere unpacks while another thread exchanges the
// directory being filled with a symbolic link to a victim. Unpacking may fail,
// the victim may not change.
func TestSwappedDirectoriesLeadNowhere(t *testing.T) {
	r := newTestRoot(t)
	s := Open(r)
	newVictims(t, r.dir)
	victim := r.Path("victim")
	before := fingerprint(t, victim)
	var items []item
	for i := range 200 {
		items = append(items, dir("d/", 0o777), file(fmt.Sprintf("d/hello%d", i), "mine", 0o777).owned(9, 9), file("e/x", "mine", 0o777),
			link("e/x", fmt.Sprintf("d/l%d", i)), file("d/hello", "mine", 0o777), file("d/.wh.w", "", 0o644))
	}
	data := tarOf(t, items...)
	id := digest.FromBytes(data)
	bait := r.Path("bait")
	if err := os.Symlink(victim, bait); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var swaps int
	var wg sync.WaitGroup
	wg.Go(func() {
		target := filepath.Join(r.Tmp(), tmpPrefix+id.Encoded(), diffName, "d")
		for {
			select {
			case <-stop:
				return
			default:
				if unix.Renameat2(unix.AT_FDCWD, bait, unix.AT_FDCWD, target, unix.RENAME_EXCHANGE) == nil {
					swaps++
				}
			}
		}
	})
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
		u, err := s.Begin(context.Background(), id)
		if err != nil {
			continue // the swapper got in the way of clearing up
		}
		_ = u.From(context.Background(), bytes.NewReader(data))
		_ = u.Close()
		// Start over with a link as bait, whichever side it was left on.
		if fi, err := os.Lstat(bait); err == nil && fi.IsDir() {
			_ = os.RemoveAll(bait)
			_ = os.Symlink(victim, bait)
		}
	}
	close(stop)
	wg.Wait()
	if got := fingerprint(t, victim); got != before {
		t.Error("the victim was changed")
	}
	if swaps == 0 {
		t.Error("nothing was ever swapped: the test shows nothing")
	}
	t.Logf("%d swaps", swaps)
}

func TestBadLayersLeakNoDescriptors(t *testing.T) {
	s := Open(newTestRoot(t))
	data := tarOf(t, dir("d/", 0o755), file("d/f", "content", 0o644), file("d/.wh..", "", 0o644))
	before := descriptors(t)
	for i := range 100 {
		if _, err := unpack(s, data[:len(data)-i]); err == nil {
			t.Fatal("a bad layer was unpacked")
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}
