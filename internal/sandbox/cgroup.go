package sandbox

import (
	"os"
	"path/filepath"
)

// RemoveCgroups removes the empty cgroup parent, such as /gantry-test, from
// every hierarchy.
func RemoveCgroups(parent string) {
	for _, dir := range CgroupDirs(parent) {
		_ = os.Remove(dir) // rmdir(2): refused while it is in use
	}
}

// CgroupDirs lists the directories of a cgroup in every hierarchy.
func CgroupDirs(path string) []string {
	dirs, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup/*", path))
	if unified := filepath.Join("/sys/fs/cgroup", path); exists(unified) {
		dirs = append(dirs, unified)
	}
	return dirs
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
