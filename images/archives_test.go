package images

import (
	"bytes"
	"compress/bzip2"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// samples returns the directory of sample images.
func samples(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("GANTRY_TEST_IMAGES"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if found := filepath.Join(dir, "shared", "images"); isDir(found) {
			return found
		}
	}
	t.Skip("no sample images here")
	return ""
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// archiveCases says what is in each sample: names, or "" for an image without
// one; or why it is refused.
var archiveCases = map[string]struct {
	names   []string
	refused string
}{
	"dive-test-docker-image.tar":                {names: []string{"dive-test:latest"}},
	"dive-test-kaniko-image.tar":                {names: []string{"dive-test:kaniko-latest"}},
	"dive-test-oci-estargz-image.tar":           {names: []string{""}},
	"dive-test-oci-gzip-image.tar":              {names: []string{""}},
	"dive-test-oci-uncompressed-image.tar":      {names: []string{""}},
	"dive-test-oci-zstd-image.tar":              {names: []string{""}},
	"docker-name-only.tar.xz":                   {names: []string{"pretty-empty:latest"}},
	"docker-registry-name.tar.xz":               {names: []string{"example.com/empty:latest"}},
	"docker-two-images.tar.xz":                  {names: []string{"example.com/empty:latest", "example.com/empty/but:different"}},
	"docker-two-names.tar.xz":                   {names: []string{"example.com/empty:latest", "pretty-empty:latest"}},
	"docker-unnamed.tar.xz":                     {names: []string{""}},
	"hello-world-v25.tar":                       {names: []string{""}},
	"no_manifest.tar":                           {names: []string{"bazel/v1/tarball:test_image"}},
	"null_manifest.tar":                         {refused: "the archive names no image"},
	"oci-name-only.tar.gz":                      {names: []string{"pretty-empty:latest"}},
	"oci-non-docker-name.tar.gz":                {names: []string{""}},
	"oci-registry-name.tar.gz":                  {names: []string{"example.com/empty:latest"}},
	"oci-unnamed.tar.gz":                        {names: []string{""}},
	"overwritten_file.tar":                      {names: []string{"bazel/pkg/v1/mutate:overwritten_file"}},
	"source_image_with_empty_layer_history.tar": {names: []string{"bazel/pkg/v1/mutate:source_image"}},
	"test_bundle.tar":                           {names: []string{"test_image_1:latest", "test_image_2:latest"}},
	"test_image_1.tar":                          {names: []string{"bazel/v1/tarball:test_image_1"}},
	"test_link.tar":                             {names: []string{"bazel/v1/tarball:test_image_1", "bazel/v1/tarball:test_image_3"}},
	"whiteout_dir.tar":                          {names: []string{"localhost:5000/whiteout:latest"}},
	"whiteout_image.tar":                        {names: []string{"bazel/pkg/v1/mutate:whiteout_image"}},
}

func namesOf(loaded []Loaded) []string {
	var names []string
	for _, l := range loaded {
		if len(l.Names) == 0 {
			names = append(names, "")
		}
		names = append(names, l.Names...)
	}
	slices.Sort(names)
	return names
}

// TestArchives loads every sample, saves it and loads that elsewhere: nothing
// changes its digest.
func TestArchives(t *testing.T) {
	dir := filepath.Join(samples(t), "archives")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			want, known := archiveCases[e.Name()]
			if !known {
				t.Fatal("a new sample: say what is in it")
			}
			im := open(t)
			loaded, err := im.Load(t.Context(), LoadOptions{Path: filepath.Join(dir, e.Name())}, nil)
			if want.refused != "" {
				if err == nil || !strings.Contains(err.Error(), want.refused) {
					t.Fatalf("Load = %v, want %q", err, want.refused)
				}
				checkEmpty(t, im)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want.names)
			if got := namesOf(loaded); !slices.Equal(got, want.names) {
				t.Errorf("names = %q, want %q", got, want.names)
			}
			roundTrip(t, im, loaded)
		})
	}
}

// roundTrip saves images under all their names, in both forms.
func roundTrip(t *testing.T, im *Images, loaded []Loaded) {
	t.Helper()
	var refs []string
	for _, l := range loaded {
		refs = append(refs, l.Names...)
		if len(l.Names) == 0 {
			refs = append(refs, l.ID.String())
		}
	}
	tmp := t.TempDir()
	file, layout := filepath.Join(tmp, "saved.tar"), filepath.Join(tmp, "layout")
	if err := im.Save(t.Context(), refs, SaveOptions{Path: file}); err != nil {
		t.Fatal(err)
	}
	if err := im.Save(t.Context(), refs, SaveOptions{Dir: layout}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, layout} {
		other := open(t)
		again, err := other.Load(t.Context(), LoadOptions{Path: path}, nil)
		if err != nil {
			t.Fatalf("loading %s: %v", path, err)
		}
		if got, want := namesOf(again), namesOf(loaded); !slices.Equal(got, want) {
			t.Errorf("%s: names = %q, want %q", path, got, want)
		}
		for _, l := range loaded {
			before, after := resolved(t, im, l.ID.String()), resolved(t, other, l.ID.String())
			if before.Target.Digest != after.Target.Digest || before.Manifest.Digest != after.Manifest.Digest {
				t.Errorf("%s: %s became %s", path, before.Target.Digest, after.Target.Digest)
			}
			if after.Damaged != "" {
				t.Errorf("%s: damaged: %s", path, after.Damaged)
			}
		}
	}
	checkSchemas(t, file)
}

func resolved(t *testing.T, im *Images, ref string) Image {
	t.Helper()
	img, err := im.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// checkEmpty fails when a refused archive left something.
func checkEmpty(t *testing.T, im *Images) {
	t.Helper()
	for _, dir := range []string{"blobs/sha256", "layers", "tmp"} {
		left, err := os.ReadDir(im.s.Path(dir))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: %v %v", dir, left, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	good, err := os.ReadFile(filepath.Join(samples(t), "archives", "test_image_1.tar"))
	if err != nil {
		t.Fatal(err)
	}
	packed := gzipped(t, good)
	broken := slices.Clone(packed)
	broken[len(broken)/2] ^= 0xff
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":          {nil, "the input is empty"},
		"text":           {[]byte("root:x:0:0:root:/root:/bin/bash\n"), "not an image archive (text file); for a root filesystem use import"},
		"html":           {[]byte("<!DOCTYPE html><html><body>not found</body></html>"), "a web page"},
		"json":           {[]byte(`{"errors":[]}`), "JSON"},
		"binary":         {bytes.Repeat([]byte{0xff, 0, 7}, 500), "neither a tar"},
		"truncated":      {good[:12000], "truncated"},
		"truncated gzip": {packed[:len(packed)-100], "truncated"},
		"broken gzip":    {broken, "damaged"},
		"not gzip":       {[]byte("\x1f\x8bnot really gzip, whatever it begins with"), "damaged"},
		"rootfs":         {tarOf(t, "bin/sh", "etc/passwd", "usr/lib/x"), "a root filesystem: use import"},
		"another tar":    {tarOf(t, "README"), "neither manifest.json nor index.json"},
		"outside": {filesTar(t, map[string]string{
			"manifest.json": `[{"Config":"../../etc/passwd","Layers":["x"]}]`}), "outside of it"},
		"climbs":        {tarOf(t, "manifest.json", "../../evil"), "outside of it"},
		"absolute":      {filesTar(t, map[string]string{"manifest.json": `[{"Config":"c","Layers":["/etc/passwd"]}]`, "c": `{"rootfs":{"diff_ids":["` + zeroDigest + `"]}}`}), "outside of it"},
		"missing layer": {filesTar(t, map[string]string{"manifest.json": `[{"Config":"c","Layers":["l"]}]`, "c": `{"rootfs":{"diff_ids":["` + zeroDigest + `"]}}`}), "incomplete"},
		"wrong layer":   {filesTar(t, map[string]string{"manifest.json": `[{"Config":"c","Layers":["l"]}]`, "c": `{"rootfs":{"diff_ids":["` + zeroDigest + `"]}}`, "l": string(tarOf(t, "a"))}), "the content has digest"},
		"layer count":   {filesTar(t, map[string]string{"manifest.json": `[{"Config":"c","Layers":[]}]`, "c": `{"rootfs":{"diff_ids":["` + zeroDigest + `"]}}`}), "names 1 layers"},
		"bad manifest":  {filesTar(t, map[string]string{"manifest.json": `{"a":`}), "no list of images"},
		"bad index":     {filesTar(t, map[string]string{"index.json": `[]`}), "no index of images"},
		"circle":        {tarLinks(t, "a", "b", "b", "a"), "circle"},
	} {
		t.Run(name, func(t *testing.T) {
			im := open(t)
			for _, src := range []LoadOptions{{From: bytes.NewReader(c.data)}, {Path: fileWith(t, c.data)}} {
				_, err := im.Load(t.Context(), src, nil)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("Load = %v, want %q", err, c.want)
				} else if strings.Contains(err.Error(), "\n") {
					t.Errorf("more than a line: %q", err)
				}
				checkEmpty(t, im)
			}
		})
	}
}

func TestLoadCompressed(t *testing.T) {
	good, err := os.ReadFile(filepath.Join(samples(t), "archives", "whiteout_image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"plain": good, "gzip": gzipped(t, good), "zstd": zstded(t, good), "xz": xzed(t, good),
		"bzip2": bzipSample(t), "gzip twice, one after the other": append(gzipped(t, good[:10000]), gzipped(t, good[10000:])...),
	} {
		t.Run(name, func(t *testing.T) {
			im := open(t)
			if _, err := im.Load(t.Context(), LoadOptions{From: struct{ *bytes.Reader }{bytes.NewReader(data)}}, nil); err != nil {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(im.s.Tmp()); len(left) > 0 {
				t.Errorf("left in tmp: %v", left)
			}
		})
	}
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	return packed(t, &b, z, data)
}

func zstded(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	return packed(t, &b, z, data)
}

func xzed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := xz.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	return packed(t, &b, z, data)
}

func packed(t *testing.T, b *bytes.Buffer, z interface {
	Write([]byte) (int, error)
	Close() error
}, data []byte) []byte {
	t.Helper()
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bzipSample is an image archive made by bzip2, which Go only reads.
func bzipSample(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/image.tar.bz2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bzip2.NewReader(bytes.NewReader(data)).Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestLoadCancelled(t *testing.T) {
	im := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(samples(t), "archives", "test_image_1.tar")
	if _, err := im.Load(ctx, LoadOptions{Path: path}, nil); err == nil {
		t.Error("a cancelled load went through")
	}
	checkEmpty(t, im)
}
