package containers

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/internal/testenv"
	"gantry/store"
	"gantry/store/overlay"

	"golang.org/x/sys/unix"
)

func TestRemove(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	w.start(r.ID, "stubborn")
	if err := os.MkdirAll(w.Dir(r.ID)+"/upper/a/b", 0); err != nil {
		t.Fatal(err)
	}
	want := `cannot remove container "/web": container is running: stop the container before removing or force remove`
	if err := w.Remove(w.ctx, "web", RemoveOptions{}); !errors.Is(err, store.ErrInUse) || err.Error() != want {
		t.Errorf("Remove = %v, want %q", err, want)
	}
	if err := w.Pause(w.ctx, "web"); err != nil {
		t.Fatal(err)
	}
	if err := w.Remove(w.ctx, "web", RemoveOptions{}); err == nil || !strings.Contains(err.Error(), "container is paused") {
		t.Errorf("Remove of paused = %v", err)
	}
	if err := w.Remove(w.ctx, "web", RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if left := w.leftovers(); len(left) > 0 {
		t.Errorf("Remove left %v", left)
	}
	if err := w.Remove(w.ctx, "web", RemoveOptions{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second Remove = %v, want ErrNotFound", err)
	}
	w.create("web")
}

// Every state a crash can leave a removal in is finished by another one, and by
// Reconcile.
func TestRemoveAfterCrash(t *testing.T) {
	crashes := map[string]func(w *world, r Record) error{
		"status": func(w *world, r Record) error {
			_, err := w.Update(w.ctx, r.ID, func(r *Record) error { r.State.Status = Removing; return nil })
			return err
		},
		"data": func(w *world, r Record) error {
			_, err := w.Update(w.ctx, r.ID, func(r *Record) error { r.State.Status = Removing; return nil })
			return errors.Join(err, w.removeData(r.ID))
		},
		"record file": func(w *world, r Record) error { return os.Remove(w.Dir(r.ID) + "/record.json") },
		"record": func(w *world, r Record) error {
			return errors.Join(w.removeData(r.ID), w.records.Delete(w.ctx, r.ID))
		},
	}
	for name, crash := range crashes {
		for _, by := range []string{"Remove", "Reconcile"} {
			t.Run(name+" "+by, func(t *testing.T) {
				w := newWorld(t)
				r := w.create("web")
				if err := crash(w, r); err != nil {
					t.Fatal(err)
				}
				if _, err := w.List(w.ctx); err != nil {
					t.Error(err)
				}
				if _, err := w.Start(w.ctx, r.ID, StartInput{}); err == nil {
					t.Error("a half-removed container starts")
				}
				var err error
				if by == "Remove" {
					err = gone(w.Remove(w.ctx, "web", RemoveOptions{}))
				} else {
					err = w.Reconcile(w.ctx)
				}
				if err != nil {
					t.Errorf("%s = %v", by, err)
				}
				if all, err := w.List(w.ctx); len(all) != 0 || err != nil {
					t.Errorf("List = %v, %v, want none", all, err)
				}
				w.create("web")
			})
		}
	}
}

func TestDamagedRecord(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "NUL": strings.Repeat("\x00", 100), "truncated": `{"id":"`, "of another": `{"id":"abc"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.create("bad")
			w.create("good")
			if err := os.WriteFile(w.Dir(r.ID)+"/record.json", []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			all, err := w.List(w.ctx)
			if err != nil || len(all) != 2 {
				t.Fatalf("List = %v, %v, want 2", all, err)
			}
			for _, c := range all {
				if damaged := c.Damaged != ""; damaged != (c.ID == r.ID) || c.Name == "" {
					t.Errorf("listed as %+v", c)
				}
			}
			if _, err := w.Start(w.ctx, r.ID, StartInput{}); err == nil {
				t.Error("a damaged container starts")
			}
			if err := w.Stop(w.ctx, "bad", StopOptions{}); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("Stop = %v, want ErrDamaged", err)
			}
			if err := w.Reconcile(w.ctx); err != nil {
				t.Error(err)
			}
			if err := w.Remove(w.ctx, r.ID[:12], RemoveOptions{}); err != nil {
				t.Errorf("Remove = %v", err)
			}
			if all, err := w.List(w.ctx); len(all) != 1 || err != nil {
				t.Errorf("List after Remove = %v, %v, want 1", all, err)
			}
			w.create("bad")
		})
	}
}

func TestSupervisorKilled(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	other := w.create("other")
	gone := w.createRecord(Record{Name: "gone", Host: HostConfig{AutoRemove: true}})
	for _, r := range []Record{r, other, gone} {
		w.start(r.ID, "")
	}
	waited := make(chan int)
	go func() {
		code, err := w.Wait(w.ctx, "web")
		if err != nil {
			t.Error(err)
		}
		waited <- code
	}()
	w.killSupervisor(r.ID)
	w.killSupervisor(gone.ID)
	c := w.get("web")
	if s := c.State; s.Status != Exited || s.ExitCode != 137 || s.Reason != "supervisor lost" || s.Pid != 0 {
		t.Errorf("after kill -9 of its supervisor: %+v", s)
	}
	if code := <-waited; code != 137 {
		t.Errorf("Wait = %d, want 137", code)
	}
	if err := w.Reconcile(w.ctx); err != nil {
		t.Error(err)
	}
	if _, err := w.Get(w.ctx, "gone"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an auto-removed container is still there: %v", err)
	}
	want := []string{"cleanup " + short(r.ID), "detach " + short(r.ID), "cleanup " + short(gone.ID), "detach " + short(gone.ID)}
	if diff := cmp.Diff(want, w.cleaned); diff != "" {
		t.Errorf("torn down (-want +got):\n%s", diff)
	}
	if c := w.get("other"); c.State.Status != Running {
		t.Errorf("another container became %+v", c.State)
	}
	if intents, err := w.s.Intents(); len(intents) != 1 || err != nil {
		t.Errorf("intents %v, %v, want the living one's", intents, err)
	}
	w.start(r.ID, "")
	if c := w.get("web"); c.State.Status != Running || c.State.Reason != "" {
		t.Errorf("started again: %+v", c.State)
	}
}

func TestHostRestarted(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	_, err := w.Update(w.ctx, r.ID, func(r *Record) error {
		r.State = State{Status: Running, Pid: 1, BootID: "another", IPAddress: "10.0.0.2", Ports: []PortMapping{{HostPort: 1}}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := w.get("web").State
	if s.Status != Exited || s.ExitCode != 255 || s.Reason != "host restarted" || s.IPAddress != "" || s.Ports != nil {
		t.Errorf("after a restart of the host: %+v", s)
	}
}

// An intent without a container, as of a creation that was undone.
func TestReconcileSweepsOrphanedIntents(t *testing.T) {
	w := newWorld(t)
	id := strings.Repeat("c", 64)
	if err := w.s.Intent(id).Write(store.IntentRecord{Mounts: []string{t.TempDir()}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Reconcile(w.ctx); err != nil {
		t.Fatal(err)
	}
	if left := w.leftovers(); len(left) > 0 || len(w.cleaned) != 2 {
		t.Errorf("left %v, torn down %v", left, w.cleaned)
	}
}

// Processes killed while they create, remove and rename leave nothing that the
// next process cannot put right.
func TestKilledAtWork(t *testing.T) {
	for _, what := range []string{"create", "rename"} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			if what == "rename" {
				w.create("name0")
			}
			dir := filepath.Dir(w.s.Root())
			for i := range 25 {
				cmd := exec.Command("/proc/self/exe", "do", what, dir)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(time.Duration(10+i)*time.Millisecond, func() { _ = cmd.Process.Kill() })
				err := cmd.Wait()
				timer.Stop()
				if cmd.ProcessState.Exited() && what == "create" {
					t.Fatalf("the child ended by itself: %v", err)
				}
				if _, err := w.List(w.ctx); err != nil {
					t.Fatal(err)
				}
				if err := w.Reconcile(w.ctx); err != nil {
					t.Fatal(err)
				}
			}
			all, err := w.List(w.ctx)
			if err != nil || what == "rename" && len(all) != 1 {
				t.Fatalf("List = %d, %v", len(all), err)
			}
			for _, c := range all {
				if c.Damaged != "" {
					t.Errorf("%s is damaged: %s", c.ID, c.Damaged)
				}
				if err := w.Remove(w.ctx, c.Name, RemoveOptions{}); err != nil {
					t.Error(err)
				}
			}
			for _, name := range []string{"name0", "name1", "name2"} {
				w.create(name)
			}
		})
	}
}

func TestMountInRunDirIsNotRemovedThrough(t *testing.T) {
	testenv.NeedsRoot(t)
	w := newWorld(t)
	r := w.create("web")
	precious := t.TempDir()
	if err := os.WriteFile(precious+"/f", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	target := w.RunDir(r.ID) + "/rootfs"
	if err := store.Mkdir(target); err != nil {
		t.Fatal(err)
	}
	if err := overlay.Mount(target, []string{precious}, "", "", overlay.Options{}); err != nil {
		t.Fatal(err)
	}
	defer overlay.Unmount(target)
	if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.Remove(w.ctx, "web", RemoveOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(precious + "/f"); err != nil {
		t.Errorf("removed through a mount: %v", err)
	}
}

// A store of a newer Gantry is listed, also what was lost, and left alone.
func TestNewerStoreIsListed(t *testing.T) {
	w := newWorld(t)
	r := w.create("web")
	lost := func(r *Record) error { r.State = State{Status: Running, BootID: w.s.BootID()}; return nil }
	if _, err := w.Update(w.ctx, r.ID, lost); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(w.Dir(r.ID) + "/record.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.s.Path("version"), []byte("7"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(w.ctx, store.Options{Root: w.s.Root(), Run: w.s.Run()})
	if err != nil {
		t.Fatal(err)
	}
	m := New(s, Hooks{})
	if all, err := m.List(w.ctx); err != nil || len(all) != 1 || all[0].State.Status != Exited {
		t.Errorf("List = %v, %v, want one that exited", all, err)
	}
	_, create := m.Create(w.ctx, Record{})
	_, start := m.Start(w.ctx, "web", StartInput{})
	for name, err := range map[string]error{
		"Create": create, "Start": start, "Remove": m.Remove(w.ctx, "web", RemoveOptions{}),
		"Rename": m.Rename(w.ctx, "web", "other"), "Reconcile": m.Reconcile(w.ctx),
	} {
		if !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("%s = %v, want ErrReadOnly", name, err)
		}
	}
	after, err := os.ReadFile(w.Dir(r.ID) + "/record.json")
	if err != nil || string(after) != string(before) {
		t.Errorf("the record changed: %v", err)
	}
}
