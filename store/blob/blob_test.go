package blob

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/internal/testenv"
	"gantry/store"
)

// Content of the blob that killed writers fetch.
var big = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)

const writeEnv = "GANTRY_TEST_WRITE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writeEnv); dir != "" {
		os.Exit(writeHalf(dir))
	}
	os.Exit(m.Run())
}

func at(dir string) (*Store, error) {
	s, err := store.Open(context.Background(), store.Options{
		Root: filepath.Join(dir, "root"), Run: filepath.Join(dir, "run"),
	})
	return Open(s), err
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	b, err := at(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files lists what lies in a directory of the store.
func files(t *testing.T, b *Store, elem ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(b.s.Path(elem...))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestPut(t *testing.T) {
	content := "hello"
	d := digest.FromString(content)
	tests := []struct {
		name string
		give string
		want v1.Descriptor
		err  error
	}{
		{"exact", content, v1.Descriptor{Digest: d, Size: 5}, nil},
		{"unknown size", content, v1.Descriptor{Digest: d, Size: -1}, nil},
		{"sha512", content, v1.Descriptor{Digest: digest.SHA512.FromString(content), Size: 5}, nil},
		{"short", "hell", v1.Descriptor{Digest: d, Size: 5}, store.ErrInvalid},
		{"long", "hello!", v1.Descriptor{Digest: d, Size: 5}, store.ErrInvalid},
		{"wrong size, right digest", content, v1.Descriptor{Digest: d, Size: 4}, store.ErrInvalid},
		{"flipped", "hellp", v1.Descriptor{Digest: d, Size: 5}, store.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, t.TempDir())
			n, err := b.Put(context.Background(), tt.want, strings.NewReader(tt.give))
			if !errors.Is(err, tt.err) || (err == nil && n != 5) {
				t.Fatalf("Put = %d, %v, want %v", n, err, tt.err)
			}
			if has := b.Has(tt.want.Digest); has != (tt.err == nil) {
				t.Errorf("Has = %v after Put = %v", has, err)
			}
			if left := files(t, b, "tmp"); len(left) > 0 {
				t.Errorf("Put left %v in tmp", left)
			}
		})
	}
}

func TestPutStopsWithItsContext(t *testing.T) {
	b := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	endless := readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	_, err := b.Put(ctx, v1.Descriptor{Digest: digest.FromString("x"), Size: -1}, endless)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want Canceled", err)
	}
}

func TestPutHealsADamagedBlob(t *testing.T) {
	b := open(t, t.TempDir())
	want := v1.Descriptor{Digest: digest.FromString("hello"), Size: 5}
	put := func() {
		t.Helper()
		if _, err := b.Put(context.Background(), want, strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
	}
	put()
	path, err := b.Path(want.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{"", "\x00\x00\x00\x00\x00", "hello and more"} {
		if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(damage), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.ReadSmall(want.Digest, 100); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("ReadSmall of %q = %v, want ErrDamaged", damage, err)
		}
		put()
		if got, err := b.ReadSmall(want.Digest, 100); err != nil || string(got) != "hello" {
			t.Errorf("ReadSmall after Put over %q = %q, %v", damage, got, err)
		}
	}
	if _, err := b.ReadSmall(want.Digest, 4); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("ReadSmall with a limit of 4 = %v, want ErrInvalid", err)
	}
	for range 2 {
		if err := b.Remove(want.Digest); err != nil {
			t.Errorf("Remove = %v", err)
		}
	}
	if _, err := b.Open(want.Digest); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Open after Remove = %v, want ErrNotFound", err)
	}
}

func TestBadDigestsReachNoPath(t *testing.T) {
	b := open(t, t.TempDir())
	ctx := context.Background()
	hex := strings.Repeat("a", 64)
	for _, d := range []digest.Digest{
		"", "sha256:", "sha256:../../etc/passwd", "sha256:abc", "../x:" + digest.Digest(hex), "md5:" + digest.Digest(hex[:32]),
		"sha384:" + digest.Digest(strings.Repeat("a", 96)), digest.Digest("sha256:" + strings.ToUpper(hex)), digest.Digest(hex),
	} {
		_, path := b.Path(d)
		_, opened := b.Open(d)
		_, read := b.ReadSmall(d, 1)
		_, put := b.Put(ctx, v1.Descriptor{Digest: d, Size: -1}, strings.NewReader(""))
		_, partial := b.Partial(ctx, d, -1)
		for name, err := range map[string]error{
			"Path": path, "Open": opened, "ReadSmall": read, "Put": put, "Partial": partial, "Remove": b.Remove(d),
			"SetRef": b.SetRef(ctx, "x", v1.Descriptor{Digest: d}, nil),
		} {
			if !errors.Is(err, store.ErrInvalid) {
				t.Errorf("%s(%q) = %v, want ErrInvalid", name, d, err)
			}
		}
		if b.Has(d) {
			t.Errorf("Has(%q) = true", d)
		}
	}
}

func TestPartial(t *testing.T) {
	b := open(t, t.TempDir())
	ctx := context.Background()
	d := digest.FromString("hello")
	begin := func(size int64) *Partial {
		t.Helper()
		p, err := b.Partial(ctx, d, size)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	write := func(p *Partial, s string) {
		t.Helper()
		if _, err := p.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}

	p := begin(5)
	write(p, "he")
	if err := p.Commit(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Commit of 2 bytes = %v, want ErrUnexpectedEOF", err)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}

	p = begin(5)
	if got, err := io.ReadAll(p.Reader()); p.Offset() != 2 || string(got) != "he" || err != nil {
		t.Errorf("resumed at %d with %q, %v, want 2 with he", p.Offset(), got, err)
	}
	if _, err := p.Write([]byte("llo!")); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("Write beyond the size = %v, want ErrInvalid", err)
	}
	write(p, "lpo")
	if err := p.Commit(); !errors.Is(err, store.ErrInvalid) || p.Offset() != 0 {
		t.Errorf("Commit of other content = %v at %d, want ErrInvalid at 0", err, p.Offset())
	}
	write(p, "hello")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, b, "tmp"); len(left) > 0 {
		t.Errorf("tmp holds %v", left)
	}

	p = begin(5)
	if !p.Existing() || p.Commit() != nil {
		t.Errorf("Partial of what is there: Existing = %v", p.Existing())
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	// A blob of the wrong size is a damaged one: fetch it again.
	p = begin(6)
	if p.Existing() {
		t.Error("Partial with another size: Existing = true")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeHalf writes half of big, says so, and waits to be killed.
func writeHalf(dir string) int {
	b, err := at(dir)
	if err != nil {
		return 1
	}
	p, err := b.Partial(context.Background(), digest.FromBytes(big), int64(len(big)))
	if err != nil {
		return 1
	}
	half := big[p.Offset() : (p.Offset()+int64(len(big)))/2]
	if _, err := p.Write(half); err != nil {
		return 1
	}
	fmt.Println("half")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func TestResumeAfterKill(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	d, size := digest.FromBytes(big), int64(len(big))
	rest := size
	for range 3 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), writeEnv+"="+dir)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		if _, err := b.Partial(ctx, d, size); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Partial while another process has it = %v, want DeadlineExceeded", err)
		}
		cancel()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = stdin.Close()
		if line != "half\n" {
			t.Fatalf("the writer said %q", line)
		}
		rest -= rest / 2
	}
	if b.Has(d) {
		t.Fatal("an unfinished blob is visible")
	}
	p, err := b.Partial(context.Background(), d, size)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := size - p.Offset(); got != rest {
		t.Errorf("%d bytes are missing, want %d", got, rest)
	}
	if _, err := p.Write(big[p.Offset():]); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadSmall(d, size); err != nil {
		t.Error(err)
	}
}

const foreign = `{"schemaVersion":2,"vendor":{"x":1},"manifests":[` +
	`{"mediaType":"a/b","digest":"sha256:%[1]s","size":3,"unknown":[1,2]},` +
	`{"mediaType":"a/b","digest":"other:thing","size":3,"annotations":{"org.opencontainers.image.ref.name":"latest"}},` +
	`"nonsense"]}`

func TestIndexKeepsWhatIsNotOurs(t *testing.T) {
	b := open(t, t.TempDir())
	ctx := context.Background()
	before := fmt.Sprintf(foreign, strings.Repeat("a", 64))
	if err := os.WriteFile(b.indexPath(), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	one := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString("1"), Size: 1}
	two := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString("2"), Size: 1}
	for _, set := range []struct {
		name string
		desc v1.Descriptor
	}{{"a:1", one}, {"b:1", one}, {"a:1", two}} {
		if err := b.SetRef(ctx, set.name, set.desc, map[string]string{"k": "v"}); err != nil {
			t.Fatal(err)
		}
	}
	refs, err := b.Refs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	named := func(d v1.Descriptor, name string) Ref {
		d.Annotations = map[string]string{"k": "v", v1.AnnotationRefName: name}
		return Ref{name, d}
	}
	if diff := cmp.Diff([]Ref{named(two, "a:1"), named(one, "b:1")}, refs); diff != "" {
		t.Errorf("Refs (-want +got):\n%s", diff)
	}
	if one.Annotations != nil {
		t.Error("SetRef changed its caller's descriptor")
	}
	for _, name := range []string{"a:1", "b:1"} {
		if err := b.DeleteRef(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.DeleteRef(ctx, "a:1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second DeleteRef = %v, want ErrNotFound", err)
	}
	after, err := os.ReadFile(b.indexPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"vendor":{"x":1}`, `"unknown":[1,2]`, `"other:thing"`, `"nonsense"`} {
		if !bytes.Contains(after, []byte(want)) {
			t.Errorf("%s is gone from %s", want, after)
		}
	}
}

func TestDamagedIndexIsNeverOverwritten(t *testing.T) {
	b := open(t, t.TempDir())
	ctx := context.Background()
	for _, damage := range []string{"", "\x00\x00", `{"manifests":`, "null", `{"manifests":3}`} {
		if err := os.WriteFile(b.indexPath(), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Refs(ctx); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("Refs of %q = %v, want ErrDamaged", damage, err)
		}
		if err := b.SetRef(ctx, "x", v1.Descriptor{Digest: digest.FromString("")}, nil); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("SetRef over %q = %v, want ErrDamaged", damage, err)
		}
		if got, err := os.ReadFile(b.indexPath()); err != nil || string(got) != damage {
			t.Errorf("%q became %q, %v", damage, got, err)
		}
	}
}

func TestConcurrentSetRef(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	errs := make(chan error)
	const n = 10
	for i := range n {
		go func() {
			b, err := at(dir)
			if err == nil {
				err = b.SetRef(ctx, fmt.Sprint("name:", i), v1.Descriptor{Digest: digest.FromString("x")}, nil)
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if refs, err := open(t, dir).Refs(ctx); len(refs) != n || err != nil {
		t.Errorf("%d refs, %v, want %d", len(refs), err, n)
	}
}

func TestOtherToolsReadTheLayoutInPlace(t *testing.T) {
	skopeo := testenv.NeedsProgram(t, "skopeo")
	b := open(t, t.TempDir())
	ctx := context.Background()
	put := func(mediaType, content string) v1.Descriptor {
		t.Helper()
		d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromString(content), Size: int64(len(content))}
		if _, err := b.Put(ctx, d, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	config := put(v1.MediaTypeImageConfig, `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)
	manifest := put(v1.MediaTypeImageManifest, fmt.Sprintf(
		`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		v1.MediaTypeImageManifest, config.MediaType, config.Digest, config.Size))
	const name = "docker.io/library/debian:bookworm"
	if err := b.SetRef(ctx, name, manifest, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.SetRef(ctx, "docker.io/library/debian:12", manifest, nil); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(skopeo, "inspect", "oci:"+b.s.Root()+":"+name).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(manifest.Digest)) {
		t.Errorf("skopeo inspect: %v\n%s", err, out)
	}
}
