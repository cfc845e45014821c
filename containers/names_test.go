package containers

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"gantry/store"
)

func TestCreate(t *testing.T) {
	w := newWorld(t)
	r := w.create("")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(r.ID) {
		t.Errorf("ID = %q, want 64 hexadecimal digits", r.ID)
	}
	if !regexp.MustCompile(`^[a-z]+_[a-z]+$`).MatchString(r.Name) {
		t.Errorf("Name = %q, want adjective_surname", r.Name)
	}
	c := w.get(r.Name)
	if c.ID != r.ID || c.State.Status != Created || c.Damaged != "" {
		t.Errorf("Get(%q) = %+v", r.Name, c)
	}
	fi, err := os.Stat(w.Dir(r.ID) + "/upper")
	if err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("upper is %v, %v, want mode 0755", fi, err)
	}
}

func TestLookUp(t *testing.T) {
	w := newWorld(t)
	first, second := w.create("first"), w.create("second")
	// A name that is a prefix of another container's ID wins over the prefix.
	tricky := w.create(second.ID[:6])
	tests := []struct{ ref, want string }{
		{"first", first.ID}, {"/first", first.ID}, {first.ID, first.ID}, {first.ID[:12], first.ID},
		{second.ID[:8], second.ID}, {second.ID[:6], tricky.ID},
	}
	for _, tt := range tests {
		if c, err := w.Get(w.ctx, tt.ref); err != nil || c.ID != tt.want {
			t.Errorf("Get(%q) = %s, %v, want %s", tt.ref, c.ID, err, tt.want)
		}
	}
	for _, ref := range []string{"nope", "fir", "../first", "", strings.Repeat("a", 64), ".names"} {
		_, err := w.Get(w.ctx, ref)
		if want := "no such container: " + ref; !errors.Is(err, store.ErrNotFound) || err.Error() != want {
			t.Errorf("Get(%q) = %v, want %q", ref, err, want)
		}
	}
}

func TestAmbiguousPrefixListsCandidates(t *testing.T) {
	w := newWorld(t)
	seen := map[byte]Record{}
	for {
		r := w.create("")
		other, twice := seen[r.ID[0]]
		if !twice {
			seen[r.ID[0]] = r
			continue
		}
		_, err := w.Get(w.ctx, r.ID[:1])
		if !errors.Is(err, store.ErrInvalid) {
			t.Fatalf("Get(%q) = %v, want ErrInvalid", r.ID[:1], err)
		}
		for _, want := range []string{short(r.ID), r.Name, short(other.ID), other.Name} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not name %s", err, want)
			}
		}
		return
	}
}

func TestNameConflict(t *testing.T) {
	w := newWorld(t)
	r := w.create("taken")
	_, err := w.Create(w.ctx, Record{Name: "taken"})
	want := `Conflict. The container name "/taken" is already in use by container "` + r.ID + `". ` +
		"You have to remove (or rename) that container to be able to reuse that name."
	if !errors.Is(err, store.ErrExists) || err.Error() != want {
		t.Errorf("Create = %v, want %q", err, want)
	}
	other := w.create("other")
	if err := w.Rename(w.ctx, "other", "taken"); !errors.Is(err, store.ErrExists) || err.Error() != want {
		t.Errorf("Rename = %v, want %q", err, want)
	}
	if err := w.Rename(w.ctx, "other", "other"); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("Rename to its own name = %v, want ErrInvalid", err)
	}
	if all, err := w.List(w.ctx); len(all) != 2 || err != nil {
		t.Errorf("List = %d containers, %v, want 2: the failed one must be gone", len(all), err)
	}
	if err := w.Rename(w.ctx, "taken", "/free"); err != nil {
		t.Fatal(err)
	}
	if err := w.Rename(w.ctx, "other", "taken"); err != nil {
		t.Errorf("Rename to a name just given up = %v", err)
	}
	if c := w.get("taken"); c.ID != other.ID || c.Name != "taken" {
		t.Errorf("taken is %s %q, want %s", c.ID, c.Name, other.ID)
	}
	for _, name := range []string{"a", "-a", "a b", "../x", "ä"} {
		if _, err := w.Create(w.ctx, Record{Name: name}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Create(%q) = %v, want ErrInvalid", name, err)
		}
	}
}

// Claims that crashes leave behind, and claims that only look like it.
func TestStaleClaims(t *testing.T) {
	w := newWorld(t)
	alive := w.create("alive")
	link := func(name, id string) {
		t.Helper()
		if err := os.Symlink(id, w.claimPath(name)); err != nil {
			t.Fatal(err)
		}
	}
	link("no-record", strings.Repeat("a", 64)) // crashed create or remove
	link("other-name", alive.ID)               // crashed rename
	link("nonsense", "../../etc/passwd")
	for _, name := range []string{"no-record", "other-name", "nonsense"} {
		if _, err := w.Get(w.ctx, name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get(%q) = %v, want ErrNotFound", name, err)
		}
		if _, err := w.Create(w.ctx, Record{Name: name}); err != nil {
			t.Errorf("Create(%q) = %v, want the stale claim taken over", name, err)
		}
	}
	// Somebody is making this one: it has a claim and no record yet.
	id := strings.Repeat("b", 64)
	link("coming", id)
	l, err := w.life(w.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	if _, err := w.Create(w.ctx, Record{Name: "coming"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create of a name being claimed = %v, want ErrExists", err)
	}
}

func TestParseSignal(t *testing.T) {
	for s, want := range map[string]int{
		"SIGTERM": 15, "TERM": 15, "term": 15, "15": 15, "9": 9, "SIGRTMIN": 34, "RTMIN+3": 37, "SIGRTMAX-1": 63, "64": 64,
	} {
		if got, err := ParseSignal(s); err != nil || int(got) != want {
			t.Errorf("ParseSignal(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "NOPE", "0", "-9", "65", "RTMIN+31", "RTMAX+1", "RTMINx", "SIG"} {
		if got, err := ParseSignal(s); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("ParseSignal(%q) = %d, %v, want ErrInvalid", s, got, err)
		}
	}
}
