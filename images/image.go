// Package images knows what an image is: references, manifests, configs and
// history; where they come from (registries) and where they lie (the store's
// OCI layout). A name points to the manifest or index the registry served, kept
// byte for byte. It does not know containers or screens.
package images

import (
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is one image in the store: a config and its layers, with every name
// that leads to it.
type Image struct {
	ID          digest.Digest   `json:"id"`     // config digest
	Target      v1.Descriptor   `json:"target"` // manifest or index as served
	Manifest    v1.Descriptor   `json:"manifest"`
	Names       []string        `json:"names"`       // familiar, e.g. debian:bookworm, sorted
	RepoDigests []string        `json:"repoDigests"` // familiar, repo@digest
	Platform    string          `json:"platform"`    // os/arch[/variant]
	Created     time.Time       `json:"created"`
	Size        int64           `json:"size"` // unpacked bytes of all layers
	Config      v1.Image        `json:"config"`
	Layers      []digest.Digest `json:"layers"`            // diff-ids, lowest first
	Damaged     string          `json:"damaged,omitempty"` // why it cannot be used, "" when whole
}

// PullOptions says how to fetch.
type PullOptions struct {
	Platform string // os/arch[/variant]; "" = this machine's
	Insecure bool   // allow plain HTTP and unverified TLS for this registry
	Quiet    bool
}

// RemoveResult lists what a removal did, in Docker's words: names that were
// taken away and digests that are gone.
type RemoveResult struct {
	Untagged []string
	Deleted  []string
}

// HistoryEntry is one instruction of an image, newest first in a listing.
type HistoryEntry struct {
	ID        string // image ID for the newest entry, "<missing>" for the others
	Created   time.Time
	CreatedBy string
	Comment   string
	Size      int64
	Empty     bool          // made no layer
	DiffID    digest.Digest // of its layer, "" when Empty
}
