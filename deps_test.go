package main

import (
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which of our packages a package may import, by prefix. A
// package is ruled by the longest matching key; internal/* leaves are open to
// all and import each other only as said here.
var allowed = map[string][]string{
	".":                   {"ui", "engine", "containers/runtime", "containers/supervisor", "internal"},
	"ui":                  {"ui", "engine", "keymap"},
	"ui/uitest":           {"ui", "engine", "keymap"},
	"keymap":              {},
	"engine":              {"images", "containers", "net", "store", "internal"},
	"images":              {"images", "store", "internal"},
	"containers":          {"containers", "net", "store", "internal"},
	"containers/runtime":  {"internal"},
	"net":                 {"store", "internal"},
	"store":               {"internal"},
	"store/blob":          {"store", "internal"},
	"store/layer":         {"store", "internal"},
	"store/overlay":       {"store", "internal"},
	"store/record":        {"store", "internal"},
	"store/volume":        {"store", "internal"},
	"internal":            {"internal"},
	"internal/progress":   {},
	"internal/flock":      {},
	"internal/atomicfile": {},
	"internal/termsafe":   {},
	"tests":               {"internal"},
	"tools":               {"internal"},
	"screenshots":         {"internal"},
}

// owners says which packages alone may import a module, by prefix of the
// import path.
var owners = map[string][]string{
	"github.com/opencontainers/runc":         {"containers/runtime"},
	"github.com/opencontainers/cgroups":      {"containers/runtime"},
	"github.com/vishvananda/netlink":         {"net"},
	"github.com/google/nftables":             {"net"},
	"charm.land/":                            {"ui"},
	"github.com/charmbracelet/x/vt":          {"ui/uitest", "ui/widget/terminal", "screenshots", "tests", "tools"},
	"github.com/google/go-containerregistry": {"images", "tests", "tools"},
	"os/exec":                                {"containers/launch", "images", "tests", "tools", "screenshots", "internal/testenv", "internal/sandbox", "internal/applets"},
}

// shellTools must never appear as a program to run: the kernel is asked
// directly.
var shellTools = regexp.MustCompile(`exec\.Command(Context)?\([^)]*"(ip|iptables|nft|mount|umount|tar|ps|cp|rm)"`)

func TestImports(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); dir != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		pkg, err := build.Default.ImportDir(dir, 0)
		if err != nil {
			return nil //nolint:nilerr // a folder without Go files for this system
		}
		seen++
		checkPackage(t, filepath.ToSlash(dir), pkg.Imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("looked at %d packages only: wrong folder?", seen)
	}
}

func checkPackage(t *testing.T, dir string, imports []string) {
	t.Helper()
	rule, ok := ruleFor(dir)
	if !ok {
		t.Errorf("%s: no rule in allowed: decide where it stands", dir)
		return
	}
	for _, path := range imports {
		if ours, found := strings.CutPrefix(path, "gantry/"); found {
			if !underAny(ours, allowed[rule]) {
				t.Errorf("%s imports gantry/%s: allowed are %v", dir, ours, allowed[rule])
			}
			continue
		}
		for prefix, who := range owners {
			if strings.HasPrefix(path, prefix) && !underAny(dir, who) {
				t.Errorf("%s imports %s, which belongs to %v", dir, path, who)
			}
		}
	}
}

// ruleFor returns the longest key of allowed that dir lies under.
func ruleFor(dir string) (string, bool) {
	for d := dir; d != "."; d = filepath.ToSlash(filepath.Dir(d)) {
		if _, ok := allowed[d]; ok {
			return d, true
		}
	}
	return ".", dir == "."
}

func underAny(dir string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return dir == p || strings.HasPrefix(dir, p+"/")
	})
}

func TestNothingShellsOut(t *testing.T) {
	for _, top := range []string{"ui", "engine", "images", "containers", "net", "store", "keymap"} {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if m := shellTools.Find(src); m != nil {
				t.Errorf("%s runs a host program: %s", path, m)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunewidthPin guards process start: go-runewidth before v0.0.28 builds a
// 2 MB table in init, which costs every container start 29 to 45 ms.
func TestRunewidthPin(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`go-runewidth v0\.0\.(\d+)`).FindSubmatch(mod)
	if m == nil {
		t.Skip("go-runewidth is no longer a dependency")
	}
	if n, _ := strconv.Atoi(string(m[1])); n < 31 {
		t.Errorf("go-runewidth v0.0.%d: need v0.0.31 or newer", n)
	}
}
