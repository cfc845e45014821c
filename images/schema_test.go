package images

import (
	"archive/tar"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/image-spec/schema"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// checkSchemas validates every document of a saved archive.
func checkSchemas(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Size < 1<<20 {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[h.Name] = string(data)
		}
	}
	validate(t, schema.ValidatorMediaTypeLayoutHeader, "oci-layout", files["oci-layout"])
	validate(t, schema.ValidatorMediaTypeImageIndex, "index.json", files["index.json"])
	var ix v1.Index
	if err := json.Unmarshal([]byte(files["index.json"]), &ix); err != nil {
		t.Fatal(err)
	}
	for _, d := range ix.Manifests {
		raw := files["blobs/sha256/"+d.Digest.Encoded()]
		if d.MediaType != v1.MediaTypeImageManifest {
			continue
		}
		validate(t, schema.ValidatorMediaTypeManifest, d.Digest.String(), raw)
		var m v1.Manifest
		if err := json.Unmarshal([]byte(raw), &m); err != nil {
			t.Fatal(err)
		}
		validate(t, schema.ValidatorMediaTypeImageConfig, m.Config.Digest.String(), files["blobs/sha256/"+m.Config.Digest.Encoded()])
	}
}

func validate(t *testing.T, v schema.Validator, name, doc string) {
	t.Helper()
	if err := v.Validate(strings.NewReader(doc)); err != nil {
		t.Errorf("%s: %v\n%s", name, err, doc)
	}
}
