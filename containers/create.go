package containers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"

	"gantry/internal/atomicfile"
	"gantry/internal/cleanup"
	"gantry/store"
)

// Create keeps a new container: it gives r an ID, a name if it has none, and
// its directories. The caller holds store.Use since before it looked up the
// layers r refers to.
func (m *Manager) Create(ctx context.Context, r Record) (Record, error) {
	r.ID = newID()
	r.Name = strings.TrimPrefix(r.Name, "/")
	r.Created = now()
	r.State = State{Status: Created}
	if r.Name != "" {
		if err := checkName(r.Name); err != nil {
			return Record{}, err
		}
	}
	life, err := m.life(ctx, r.ID)
	if err != nil {
		return Record{}, err
	}
	defer life.Unlock()
	var undo cleanup.Stack
	defer undo.Run()
	undo.Add(func() { m.s.DropLock(lifeLocks, r.ID, life) })
	// Undoing goes on although ctx may be done.
	later := context.WithoutCancel(ctx)
	undo.Add(func() { _ = m.release(later, r.Name, r.ID) })
	if r.Name == "" {
		r.Name, err = m.autoName(ctx, r.ID)
	} else {
		err = m.claim(ctx, r.Name, r.ID)
	}
	if err != nil {
		return Record{}, err
	}
	undo.Add(func() { _ = os.RemoveAll(m.Dir(r.ID)) })
	if err := m.makeDirs(r.ID); err != nil {
		return Record{}, err
	}
	durability := atomicfile.PowerCut
	if r.Host.AutoRemove {
		durability = atomicfile.Crash
	}
	if err := m.records.CreateWith(ctx, r.ID, durability, r); err != nil {
		return Record{}, err
	}
	undo.Keep()
	return r, nil
}

func (m *Manager) makeDirs(id string) error {
	for _, dir := range []string{"upper", "work", "log"} {
		if err := store.Mkdir(m.s.Path(store.Containers, id, dir)); err != nil {
			return err
		}
	}
	// The mode of upper is the mode of / inside.
	return os.Chmod(m.s.Path(store.Containers, id, "upper"), 0o755)
}

// newID returns 64 hexadecimal digits whose short form is no number, so that
// nothing takes it for one.
func newID() string {
	for {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		id := hex.EncodeToString(b[:])
		if _, err := strconv.ParseUint(short(id), 10, 64); errors.Is(err, strconv.ErrSyntax) {
			return id
		}
	}
}
