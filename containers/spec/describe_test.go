package spec

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func describe(who Identity) string {
	return fmt.Sprintf("%d:%d %v %s", who.UID, who.GID, who.Groups, who.Home)
}

// listing writes down a tree with everything a copy must keep.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		st := info.Sys().(*syscall.Stat_t)
		target, _ := os.Readlink(path)
		name, _ := filepath.Rel(dir, path)
		links := st.Nlink
		if d.IsDir() {
			links = 0
		}
		fmt.Fprintf(&b, "%s %v %d:%d %d %s", name, info.Mode(), st.Uid, st.Gid, links, target)
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			check(t, err)
			fmt.Fprintf(&b, "%q %d", text, st.Mtim.Sec)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}
