package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"gantry/store"
)

const canary = "the canary that no layer may show"

// newVictims puts a directory beside where a layer is unpacked, and one at each
// level above, for hostile names to aim at.
func newVictims(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		victim := filepath.Join(dir, "victim")
		if err := os.MkdirAll(victim, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(victim, "hello"), []byte(canary), 0o400); err != nil {
			t.Fatal(err)
		}
	}
}

// fingerprint is everything about the tree below dir that a layer could change.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		fmt.Fprintln(h, path, st.Ino, st.Mode, st.Uid, st.Gid, st.Nlink, st.Size, st.Mtim)
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			data, err := os.ReadFile(path)
			h.Write(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// noCanary looks for the victim's bytes in the files of a layer.
func noCanary(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, unix.ENAMETOOLONG) {
			return fs.SkipDir // too deep to be named from here
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("%s shows the canary", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// attack unpacks a hostile tar between victims and checks that none of them was
// touched or read. The error is that of unpacking.
func attack(t *testing.T, s *Store, r *testRoot, items ...item) (Layer, error) {
	t.Helper()
	data := tarOf(t, items...)
	ctx := context.Background()
	u, err := s.Begin(ctx, digest.FromBytes(data))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if u.Existing() {
		return u.Commit(ctx)
	}
	around := []string{u.tmp, r.Path("tmp"), r.dir}
	newVictims(t, around...)
	var before []string
	for _, dir := range around {
		before = append(before, fingerprint(t, filepath.Join(dir, "victim")))
	}
	err = u.From(ctx, bytes.NewReader(data))
	for i, dir := range around {
		if fingerprint(t, filepath.Join(dir, "victim")) != before[i] {
			t.Errorf("%s/victim was changed", dir)
		}
	}
	noCanary(t, filepath.Join(u.tmp, diffName))
	if err != nil {
		return Layer{}, err
	}
	if err := os.RemoveAll(filepath.Join(u.tmp, "victim")); err != nil {
		t.Fatal(err)
	}
	return u.Commit(ctx)
}

var (
	passwd   = file("/etc/passwd", "inside", 0o644)
	etc      = dir("etc", 0o770)
	etcBelow = []item{dir("etc/", 0o755), file("etc/passwd", "inside", 0o644)}
)

// breakouts are the cases of containerd's TestBreakouts, then moby's
// testBreakout, then our own. below is the layer underneath.
var breakouts = []struct {
	name  string
	below []item
	layer []item
	err   error
	check func(m mounted)
}{
	{"SymlinkAbsolute", nil, []item{etc, symlink("/etc", "localetc"), file("/localetc/unbroken", "u", 0o644)}, nil,
		func(m mounted) { m.is("etc/unbroken", "u") }},
	{"SymlinkUpAndOut", nil, []item{etc, dir("dummy", 0o755), symlink("/dummy/../etc", "localetc"),
		file("/localetc/unbroken", "u", 0o644)}, nil, func(m mounted) { m.is("etc/unbroken", "u") }},
	{"SymlinkMultipleAbsolute", nil, []item{etc, dir("dummy", 0o755), symlink("/etc", "/dummy/etc"),
		symlink("/dummy/etc", "localetc"), file("/dummy/etc/unbroken", "u", 0o644)}, nil,
		func(m mounted) { m.is("etc/unbroken", "u"); m.is("localetc/unbroken", "u") }},
	{"SymlinkMultipleRelative", nil, []item{etc, dir("dummy", 0o755), symlink("/etc", "/dummy/etc"),
		symlink("./dummy/etc", "localetc"), file("/localetc/unbroken", "u", 0o644)}, nil,
		func(m mounted) { m.is("etc/unbroken", "u") }},
	{"SymlinkEmptyFile", nil, []item{etc, file("etc/emptied", "notempty", 0o644), symlink("/etc", "localetc"),
		file("/localetc/emptied", "", 0o644)}, nil, func(m mounted) { m.is("etc/emptied", "") }},
	{"HardlinkRelative", nil, []item{etc, passwd, dir("breakouts", 0o755), symlink("../../etc", "breakouts/d1"),
		link("/breakouts/d1/passwd", "breakouts/mypasswd")}, nil,
		func(m mounted) { m.same("breakouts/mypasswd", "etc/passwd") }},
	{"HardlinkDownAndOut", nil, []item{etc, passwd, dir("breakouts", 0o755), dir("downandout", 0o755),
		symlink("../downandout/../../etc", "breakouts/d1"), link("/breakouts/d1/passwd", "breakouts/mypasswd")}, nil,
		func(m mounted) { m.same("breakouts/mypasswd", "etc/passwd") }},
	{"HardlinkAbsolute", nil, []item{etc, passwd, symlink("/etc", "localetc"), link("/localetc/passwd", "localpasswd")},
		nil, func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"HardlinkRelativeLong", nil, []item{etc, passwd, symlink("../../../../../../../etc", "localetc"),
		link("/localetc/passwd", "localpasswd")}, nil, func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"HardlinkRelativeUpAndOut", nil, []item{etc, passwd, dir("upandout", 0o755), symlink("upandout/../../../etc", "localetc"),
		link("/localetc/passwd", "localpasswd")}, nil, func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"HardlinkDirectRelative", nil, []item{etc, passwd, link("../../../../../etc/passwd", "localpasswd")}, nil,
		func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"HardlinkDirectAbsolute", nil, []item{etc, passwd, link("/etc/passwd", "localpasswd")}, nil,
		func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"SymlinkParentDirectory", nil, []item{etc, passwd, symlink("/etc/", ".."), link("/etc/passwd", "localpasswd")}, nil,
		func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"SymlinkEmptyFilename", nil, []item{etc, passwd, symlink("/etc/", ""), link("/etc/passwd", "localpasswd")}, nil,
		func(m mounted) { m.same("localpasswd", "etc/passwd") }},
	{"SymlinkParentRelative", nil, []item{etc, passwd, symlink("/etc/", "localetc/sub/.."),
		link("/etc/passwd", "/localetc/localpasswd")}, nil, func(m mounted) { m.same("localetc/localpasswd", "etc/passwd") }},
	{"SymlinkSlashEnded", nil, []item{etc, passwd, dir("localetc/", 0o770), link("/etc/passwd", "/localetc/localpasswd")},
		nil, func(m mounted) { m.same("localetc/localpasswd", "etc/passwd") }},
	{"SymlinkOverrideDirectory", append(etcBelow, dir("localetc/", 0o755)),
		[]item{symlink("/etc", "localetc"), link("/etc/passwd", "/localetc/localpasswd")}, nil,
		func(m mounted) { m.is("localetc/localpasswd", "inside"); m.is("etc/passwd", "inside") }},
	{"SymlinkOverrideDirectoryRelative", append(etcBelow, dir("localetc/", 0o755)),
		[]item{symlink("../../etc", "localetc"), link("/etc/passwd", "/localetc/localpasswd")}, nil,
		func(m mounted) { m.is("localetc/localpasswd", "inside") }},
	{"DirectoryOverrideSymlink", append(etcBelow, symlink("/etc", "localetc")),
		[]item{dir("/localetc/", 0o755), link("/etc/passwd", "/localetc/localpasswd")}, nil,
		func(m mounted) { m.is("localetc/localpasswd", "inside"); m.gone("etc/localpasswd") }},
	{"DirectoryOverrideSymlinkAndHardlink",
		append(etcBelow, symlink("etc", "localetc"), link("/etc/passwd", "/localetc/localpasswd")),
		[]item{dir("/localetc/", 0o755), file("/localetc/localpasswd", "different", 0o644)}, nil,
		func(m mounted) { m.is("localetc/localpasswd", "different"); m.is("etc/passwd", "inside") }},
	{"WhiteoutRootParent", etcBelow, []item{file(".wh...", "", 0o644)}, store.ErrInvalid, nil},
	{"WhiteoutParent", etcBelow, []item{file("etc/.wh...", "", 0o644)}, store.ErrInvalid, nil},
	{"WhiteoutRoot", etcBelow, []item{file(".wh..", "", 0o644)}, store.ErrInvalid, nil},
	{"WhiteoutCurrentDirectory", etcBelow, []item{file("etc/.wh..", "", 0o644)}, store.ErrInvalid, nil},
	{"WhiteoutSymlink", append(etcBelow, symlink("/etc", "localetc")), []item{file(".wh.localetc", "", 0o644)}, nil,
		func(m mounted) { m.is("etc/passwd", "inside"); m.gone("localetc") }},
	{"WhiteoutSymlinkPath", append(etcBelow, symlink("/etc", "localetc")), []item{file("localetc/.wh.passwd", "", 0o644)},
		nil, func(m mounted) { m.is("etc/passwd", "inside") }},
	{"WhiteoutDirectoryName", etcBelow, []item{file(".wh.etc/somefile", "non-empty", 0o644)}, nil,
		func(m mounted) { m.is("etc/passwd", "inside"); m.is(".wh.etc/somefile", "non-empty") }},
	{"WhiteoutDeadSymlinkParent", append(etcBelow, symlink("/dne", "localetc")),
		[]item{file("localetc/.wh.etc", "", 0o644)}, nil, func(m mounted) { m.is("etc/passwd", "inside") }},
	{"WhiteoutRelativePath", etcBelow, []item{file("dne/../.wh.etc", "", 0o644)}, nil,
		func(m mounted) { m.gone("etc", "etc/passwd") }},
	{"HardlinkSymlinkBeforeCreateTarget", nil, []item{etc, symlink("/etc/passwd", "localpasswd"),
		link("localpasswd", "localpasswd-dup"), file("/etc/passwd", "after", 0o644)}, nil,
		func(m mounted) { m.is("localpasswd-dup", "after") }},
	{"HardlinkSymlinkRelative", nil, []item{etc, passwd, symlink("../../../../../etc/passwd", "passwdlink"),
		link("/passwdlink", "localpasswd")}, nil,
		func(m mounted) { m.same("localpasswd", "passwdlink"); m.is("localpasswd", "inside") }},
	{"HardlinkSymlinkAbsolute", nil, []item{etc, passwd, symlink("/etc/passwd", "passwdlink"), link("/passwdlink", "localpasswd")},
		nil, func(m mounted) { m.same("localpasswd", "passwdlink"); m.is("localpasswd", "inside") }},
	{"HardlinkSymlinkChmod", nil, []item{symlink("../victim/hello", "outside"), link("outside", "sketchy")}, nil,
		func(m mounted) { m.gone("victim") }},

	{"NameDotdot", nil, []item{file("../victim/dotdot", "x", 0o644)}, nil, func(m mounted) { m.is("victim/dotdot", "x") }},
	{"NameSlashDotdot", nil, []item{file("/../victim/slash-dotdot", "x", 0o644)}, nil,
		func(m mounted) { m.is("victim/slash-dotdot", "x") }},
	{"HardlinkToVictim", nil, []item{link("../victim/hello", "dotdot")}, nil, nil},
	{"HardlinkToVictimSlash", nil, []item{link("/../victim/hello", "slash-dotdot")}, nil, nil},
	{"HardlinkToVictimDirThenFile", nil, []item{link("../victim", "lv"), file("lv/file", "x", 0o644)}, store.ErrInvalid, nil},
	{"HardlinkThenSymlink", nil, []item{link("../victim", "lv"), symlink("lv/hello", "symlink")}, nil, nil},
	{"HardlinkThenHardlink", nil, []item{link("../victim", "lv"), link("lv/hello", "hardlink")}, store.ErrInvalid, nil},
	{"HardlinkReplaced", nil, []item{link("../victim", "lv"), file("lv", "x", 0o644)}, nil, func(m mounted) { m.is("lv", "x") }},
	{"SymlinkToVictim", nil, []item{symlink("../victim/hello", "dotdot")}, nil, func(m mounted) { m.gone("victim") }},
	{"SymlinkThenFile", nil, []item{symlink("../victim", "lv"), file("lv/file", "x", 0o644)}, nil,
		func(m mounted) { m.is("victim/file", "x") }},
	{"SymlinkThenSymlink", nil, []item{symlink("../victim", "lv"), symlink("lv/hello", "symlink")}, nil,
		func(m mounted) { m.gone("victim") }},
	{"SymlinkThenHardlink", nil, []item{symlink("../victim", "lv"), link("lv/hello", "hardlink")}, nil, nil},
	{"SymlinkReplaced", nil, []item{symlink("../victim", "lv"), file("lv", "x", 0o644)}, nil, func(m mounted) { m.is("lv", "x") }},
	{"SymlinkNewDirNewFile", nil, []item{symlink("../../victim", "dir/loophole"), file("dir/loophole/newdir/newfile", "x", 0o644)},
		nil, func(m mounted) { m.is("victim/newdir/newfile", "x") }},

	{"SymlinkReplacedByDirThenFile", nil, []item{symlink("../victim", "d"), dir("d/", 0o700), file("d/hello", "mine", 0o644)}, nil,
		func(m mounted) { m.is("d/hello", "mine") }},
	{"FileOverSymlinkToVictim", nil, []item{symlink("../victim/hello", "f"), file("f", "mine", 0o777)}, nil,
		func(m mounted) { m.is("f", "mine") }},
	{"SymlinkLoop", nil, []item{symlink("b", "a"), symlink("a", "b"), file("a/x", "", 0o644)}, store.ErrInvalid, nil},
	{"SymlinkToItself", nil, []item{symlink("a", "a"), dir("a/b/c", 0o755)}, store.ErrInvalid, nil},
	{"HardlinkToRoot", nil, []item{link("/", "r")}, store.ErrInvalid, nil},
	{"HardlinkToWhiteout", nil, []item{file(".wh.f", "", 0o644), link("f", "g")}, store.ErrInvalid, nil},
	{"HardlinkBelowItself", nil, []item{dir("d", 0o755), file("d/x", "x", 0o644), link("d/x", "d")}, store.ErrInvalid, nil},
	{"FileAsParent", nil, []item{file("f", "x", 0o644), file("f/g", "x", 0o644)}, store.ErrInvalid, nil},
	{"RootAsFile", nil, []item{file("/", "x", 0o644), file("./", "x", 0o644), file("f", "x", 0o644)}, nil,
		func(m mounted) { m.is("f", "x") }},
	{"OpaqueThroughSymlink", nil, []item{symlink("../victim", "lv"), file("lv/.wh..wh..opq", "", 0o644)}, nil,
		func(m mounted) { m.looks("victim", "40755 0:0") }},
	{"WhiteoutThroughSymlink", nil, []item{symlink("../victim", "lv"), file("lv/.wh.hello", "", 0o644)}, nil,
		func(m mounted) { m.gone("victim/hello") }},
	{"ProcFd", nil, []item{symlink("/proc/self/fd", "p"), file("p/3/x", "x", 0o644)}, nil,
		func(m mounted) { m.is("proc/self/fd/3/x", "x") }},
}

func TestBreakouts(t *testing.T) {
	for _, tt := range breakouts {
		t.Run(tt.name, func(t *testing.T) {
			r := newTestRoot(t)
			s := Open(r)
			var ids []digest.Digest
			if tt.below != nil {
				ids = append(ids, mustUnpack(t, s, tt.below...).DiffID)
			}
			l, err := attack(t, s, r, tt.layer...)
			if !errors.Is(err, tt.err) || err != nil && tt.err == nil {
				t.Fatalf("unpacking = %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			noCanary(t, l.Dir)
			if tt.check != nil {
				tt.check(mount(t, s, append(ids, l.DiffID)...))
			}
		})
	}
}

func TestHardLinkIntoNowhereIsRefusedWhenStacked(t *testing.T) {
	s := Open(newTestRoot(t))
	below := mustUnpack(t, s, etcBelow...)
	for _, l := range []Layer{mustUnpack(t, s, link("../victim/hello", "a")), mustUnpack(t, s, link("etc", "a"))} {
		for _, ids := range [][]digest.Digest{{l.DiffID}, {below.DiffID, l.DiffID}} {
			if _, err := s.Lowers(context.Background(), ids); !errors.Is(err, store.ErrInvalid) {
				t.Errorf("Lowers = %v, want ErrInvalid", err)
			}
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	long := strings.Repeat("n", 256)
	char := func(name string) item { return item{tar.Header{Typeflag: tar.TypeChar, Name: name}, ""} }
	owner := func(uid int) item { return file("f", "", 0o644).owned(uid, 0) }
	tests := []struct {
		name  string
		items []item
		want  error
	}{
		{"long component", []item{file(long, "", 0o644)}, store.ErrInvalid},
		{"long path", []item{file(strings.Repeat("d/", 2100)+"f", "", 0o644)}, store.ErrInvalid},
		{"long link", []item{symlink(strings.Repeat("d/", 2100), "f")}, store.ErrInvalid},
		{"long path through links", []item{symlink(strings.Repeat("d/", 1000), "a"), file("a/"+strings.Repeat("e/", 1200)+"f", "", 0o644)}, store.ErrInvalid},
		{"empty link", []item{symlink("", "f")}, store.ErrInvalid},
		{"long attribute name", []item{file("f", "", 0o644).xattr("user."+long, "v")}, store.ErrInvalid},
		{"long attribute", []item{file("f", "", 0o644).xattr("user.a", strings.Repeat("v", 70_000))}, store.ErrInvalid},
		{"unknown type", []item{{tar.Header{Typeflag: 'Z', Name: "f"}, ""}}, store.ErrInvalid},
		{"minus one", []item{owner(1<<32 - 1)}, store.ErrInvalid},
		{"whiteout as a device", []item{char("f")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newTestRoot(t)
			s := Open(r)
			l, err := attack(t, s, r, tt.items...)
			if !errors.Is(err, tt.want) || err != nil && tt.want == nil {
				t.Fatalf("unpacking = %v, want %v", err, tt.want)
			}
			if err == nil && !entries(t, s, l.DiffID)["f"].Whiteout {
				t.Error("a 0:0 device is not shown as the whiteout it is")
			}
		})
	}
}
