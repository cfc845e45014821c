package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/internal/atomicfile"
	"gantry/store"
)

type thing struct {
	Name string
	N    int
}

const incrementEnv = "GANTRY_TEST_INCREMENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(incrementEnv); dir != "" {
		incrementForever(dir)
	}
	os.Exit(m.Run())
}

func at(dir string) (*store.Store, error) {
	return store.Open(context.Background(), store.Options{
		Root: filepath.Join(dir, "root"), Run: filepath.Join(dir, "run"),
	})
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := at(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// layouts runs a test with both.
func layouts(t *testing.T, test func(t *testing.T, s *store.Store, d *Dir[thing])) {
	for name, layout := range map[string]Layout{"PerDir": PerDir, "PerFile": PerFile} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			test(t, s, Open[thing](s, store.Networks, layout))
		})
	}
}

func TestLife(t *testing.T) {
	layouts(t, func(t *testing.T, s *store.Store, d *Dir[thing]) {
		ctx := context.Background()
		if _, err := d.Get("a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get of none = %v, want ErrNotFound", err)
		}
		if err := d.Create(ctx, "a", thing{"x", 1}); err != nil {
			t.Fatal(err)
		}
		if err := d.Create(ctx, "a", thing{"y", 2}); !errors.Is(err, store.ErrExists) {
			t.Errorf("second Create = %v, want ErrExists", err)
		}
		got, err := d.Update(ctx, "a", func(v *thing) error { v.N++; return nil })
		if want := (thing{"x", 2}); err != nil || got != want {
			t.Errorf("Update = %v, %v, want %v", got, err, want)
		}
		boom := errors.New("boom")
		if _, err := d.Update(ctx, "a", func(v *thing) error { v.N = 99; return boom }); !errors.Is(err, boom) {
			t.Errorf("Update with a failing fn = %v, want its error", err)
		}
		all, err := d.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Entry[thing]{{ID: "a", Value: thing{"x", 2}}}, all); diff != "" {
			t.Errorf("List (-want +got):\n%s", diff)
		}
		for range 2 {
			if err := d.Delete(ctx, "a"); err != nil {
				t.Errorf("Delete = %v", err)
			}
		}
		if _, err := d.Update(ctx, "a", func(*thing) error { return nil }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Update of none = %v, want ErrNotFound", err)
		}
		if ids, err := d.IDs(); len(ids) != 0 || err != nil {
			t.Errorf("IDs = %v, %v, want none", ids, err)
		}
	})
}

func TestDamagedRecords(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"empty", "", "is empty"},
		{"NUL", strings.Repeat("\x00", 512), "512 NUL bytes"},
		{"truncated", `{"Name":"x","N`, "ends early, after 14 bytes"},
		{"other", `["x"]`, "cannot unmarshal"},
		{"words", `hello`, "invalid character"},
	}
	layouts(t, func(t *testing.T, s *store.Store, d *Dir[thing]) {
		ctx := context.Background()
		if err := d.Create(ctx, "whole", thing{"x", 1}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			if err := d.Create(ctx, tt.name, thing{}); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(d.path(tt.name), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Create(ctx, "special", thing{}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(d.path("special")), os.Mkdir(d.path("special"), 0o700)); err != nil {
			t.Fatal(err)
		}
		all, err := d.List(ctx)
		if err != nil || len(all) != len(tests)+2 {
			t.Fatalf("List = %d entries, %v, want %d", len(all), err, len(tests)+2)
		}
		errs := map[string]error{}
		for _, e := range all {
			errs[e.ID] = e.Err
		}
		if errs["whole"] != nil {
			t.Errorf("the whole record is listed with %v", errs["whole"])
		}
		if !errors.Is(errs["special"], store.ErrDamaged) {
			t.Errorf("a directory is listed with %v, want ErrDamaged", errs["special"])
		}
		for _, tt := range tests {
			if err := errs[tt.name]; !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s is listed with %v, want ErrDamaged with %q", tt.name, err, tt.want)
			}
			if _, err := d.Update(ctx, tt.name, func(*thing) error { return nil }); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("Update of %s = %v, want ErrDamaged", tt.name, err)
			}
			if err := d.Create(ctx, tt.name, thing{}); !errors.Is(err, store.ErrExists) {
				t.Errorf("Create over %s = %v, want ErrExists", tt.name, err)
			}
			if err := d.Delete(ctx, tt.name); err != nil {
				t.Errorf("Delete of %s = %v", tt.name, err)
			}
		}
	})
}

func TestListPassesOverStrangers(t *testing.T) {
	layouts(t, func(t *testing.T, s *store.Store, d *Dir[thing]) {
		dir := s.Path(store.Networks)
		for _, name := range []string{".tmp-a.json-1", "README", "-x.json"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(dir, "half"), 0o700); err != nil { // crashed create
			t.Fatal(err)
		}
		if all, err := d.List(context.Background()); len(all) != 0 || err != nil {
			t.Errorf("List = %v, %v, want none", all, err)
		}
		if err := d.Create(context.Background(), "half", thing{}); err != nil {
			t.Errorf("Create where one crashed = %v", err)
		}
	})
}

func TestBadIDsReachNoPath(t *testing.T) {
	layouts(t, func(t *testing.T, s *store.Store, d *Dir[thing]) {
		ctx := context.Background()
		for _, id := range []string{"", "..", "../x", "a/../../b", "-a", "a\x00"} {
			_, get := d.Get(id)
			_, update := d.Update(ctx, id, func(*thing) error { return nil })
			for name, err := range map[string]error{
				"Get": get, "Update": update, "Create": d.Create(ctx, id, thing{}), "Delete": d.Delete(ctx, id),
			} {
				if !errors.Is(err, store.ErrInvalid) {
					t.Errorf("%s(%q) = %v, want ErrInvalid", name, id, err)
				}
			}
		}
	})
}

func TestUpdatesOfManyWritersAllCount(t *testing.T) {
	s := open(t, t.TempDir())
	d := Open[thing](s, store.Networks, PerFile)
	ctx := context.Background()
	if err := d.Create(ctx, "a", thing{}); err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				_, err := d.UpdateWith(ctx, "a", atomicfile.Crash, func(v *thing) error { v.N++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, err := d.Get("a"); err != nil || got.N != writers*each {
		t.Errorf("Get = %v, %v, want N = %d", got, err, writers*each)
	}
}

// incrementForever counts a record up, until it is killed.
func incrementForever(dir string) {
	s, err := at(dir)
	for err == nil {
		_, err = Open[thing](s, store.Networks, PerDir).UpdateWith(context.Background(), "a", atomicfile.Crash,
			func(v *thing) error { v.N++; v.Name = strings.Repeat("x", v.N%5000); return nil })
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Writers killed at any moment leave a whole record and a free lock.
func TestKilledWriters(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	d := Open[thing](s, store.Networks, PerDir)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := d.Create(ctx, "a", thing{}); err != nil {
		t.Fatal(err)
	}
	for last := range 15 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), incrementEnv+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before, err := d.Get("a")
		for now := before; err == nil && now.N < before.N+10+last && ctx.Err() == nil; now, err = d.Get("a") {
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil {
			t.Fatalf("Get while written = %v", err)
		}
		if _, err := d.Update(ctx, "a", func(v *thing) error { return nil }); err != nil {
			t.Fatalf("Update after kill -9 = %v", err)
		}
	}
}
